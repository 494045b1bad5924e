//! Who may call what, as an attacker would try it: through the policy, by lies about a call, past the bridge.

use anyhow::{Context, Result};
use meshlane_e2e::istio::on_mesh;

use self::shop::Shop;

mod call;
mod lies;
mod permissive;
mod policy;
mod ports;
mod shop;

#[tokio::test(flavor = "multi_thread")]
async fn only_what_policy_allows_arrives_whatever_the_client_says() -> Result<()> {
    on_mesh(async |mesh| {
        let shop = Shop::open(mesh).await?;
        policy::judges_by_principal_path_and_argument(&shop)
            .await
            .context("policy")?;
        lies::do_not_arrive(&shop).await.context("lies")?;
        ports::lead_past_nothing(&shop).await.context("ports")?;
        shop.expect_alive().await?;
        // From here on the mesh is open to those outside.
        permissive::bridges_plain_dubbo_for_the_same_policy(&shop)
            .await
            .context("permissive")?;
        shop.expect_alive().await
    })
    .await
}
