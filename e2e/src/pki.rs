//! A certificate authority for one scenario, and the identities that it certifies.

use std::sync::Arc;

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType,
    string::Ia5String,
};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{
        CryptoProvider, ring::default_provider, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime},
};

/// A certificate authority that lives as long as a scenario.
#[derive(Debug)]
pub struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key in PEM, as Envoy wants them.
#[derive(Clone, Debug)]
pub struct ServerCertificate {
    /// The certificate chain.
    pub chain: String,
    /// The private key.
    pub key: String,
}

/// Whom a client trusts and who it claims to be.
#[derive(Clone, Debug)]
pub struct Identity {
    root: CertificateDer<'static>,
    trusts_anybody: bool,
    own: Option<(CertificateDer<'static>, Arc<PrivateKeyDer<'static>>)>,
}

impl Authority {
    /// Makes a new authority.
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        // Not the name of what it certifies, which would then look self-signed.
        params
            .distinguished_name
            .push(DnType::CommonName, "meshlane e2e authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let issuer = Issuer::new(params, key);
        Ok(Self {
            certificate,
            issuer,
        })
    }

    /// The authority's own certificate in PEM.
    pub fn pem(&self) -> String {
        pem("CERTIFICATE", self.certificate.der())
    }

    /// A certificate for a server on this machine.
    pub fn server(&self) -> Result<ServerCertificate> {
        let key = KeyPair::generate()?;
        let params = CertificateParams::new(vec!["localhost".to_owned()])?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(ServerCertificate {
            chain: pem("CERTIFICATE", certificate.der()),
            key: pem("PRIVATE KEY", key.serialized_der()),
        })
    }

    /// A client that shows no certificate.
    pub fn anonymous(&self) -> Identity {
        Identity {
            root: self.certificate.der().clone(),
            trusts_anybody: false,
            own: None,
        }
    }

    /// A client whose certificate carries a SPIFFE id, for example `spiffe://cluster.local/ns/a/sa/b`.
    pub fn client(&self, spiffe: &str) -> Result<Identity> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.subject_alt_names = vec![SanType::URI(Ia5String::try_from(spiffe)?)];
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        Ok(Identity {
            own: Some((certificate.der().clone(), Arc::new(key.into()))),
            ..self.anonymous()
        })
    }
}

impl Identity {
    /// The same client, which does not care whom it talks to: an attacker.
    pub fn trusting_anybody(self) -> Self {
        Self {
            trusts_anybody: true,
            ..self
        }
    }

    /// The TLS settings of this client.
    pub(crate) fn client_config(&self) -> Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone())?;
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?;
        let builder = match self.trusts_anybody {
            false => builder.with_root_certificates(roots),
            true => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anybody(default_provider()))),
        };
        match &self.own {
            None => Ok(builder.with_no_client_auth()),
            Some((certificate, key)) => builder
                .with_client_auth_cert(vec![certificate.clone()], key.clone_key())
                .context("the client's certificate"),
        }
    }
}

/// Takes every certificate of a server for a good one.
#[derive(Debug)]
struct Anybody(CryptoProvider);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The text form of a certificate or key.
fn pem(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let lines = encoded.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let body: String = lines.map(|line| format!("{line}\n")).collect();
    format!("-----BEGIN {label}-----\n{body}-----END {label}-----\n")
}
