//! An issuer of JSON Web Tokens (ES256) whose key set Envoy's `jwt_authn` verifies against.

use anyhow::{Context, Result, anyhow};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

/// An issuer with a key of its own.
#[derive(Debug)]
pub struct TokenIssuer {
    key: EcdsaKeyPair,
    random: SystemRandom,
}

impl TokenIssuer {
    /// Makes a new issuer.
    pub fn new() -> Result<Self> {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .map_err(|_| anyhow!("no key could be made"))?;
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random)
                .map_err(|error| anyhow!("the key is refused: {error}"))?;
        Ok(Self { key, random })
    }

    /// The public key as a JSON Web Key Set.
    pub fn key_set(&self) -> Result<Value> {
        // An uncompressed point: 4, x, y.
        let point = self.key.public_key().as_ref();
        let coordinate = |range| point.get(range).map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        let (x, y) = coordinate(1..33)
            .zip(coordinate(33..65))
            .context("the key is no point")?;
        Ok(
            json!({"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "k1", "x": x, "y": y}]}),
        )
    }

    /// A signed token with these claims.
    pub fn sign(&self, claims: &Value) -> Result<String> {
        let signed = signing_input(&json!({"alg": "ES256", "kid": "k1", "typ": "JWT"}), claims)?;
        let signature = self
            .key
            .sign(&self.random, signed.as_bytes())
            .map_err(|_| anyhow!("the token cannot be signed"))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A token that nobody signed (`alg: none`), as a forger would send it.
pub fn unsigned(claims: &Value) -> Result<String> {
    Ok(format!(
        "{}.",
        signing_input(&json!({"alg": "none", "typ": "JWT"}), claims)?
    ))
}

fn signing_input(header: &Value, claims: &Value) -> Result<String> {
    let part = |value: &Value| serde_json::to_vec(value).map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    Ok(format!("{}.{}", part(header)?, part(claims)?))
}
