//! Signed URLs: which family the parameters of one query make together.

use super::kinds;
use super::kinds::Kind;
use super::names::Sign;

/// The parts of signatures that a query has, with values.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signs(u32);

impl Signs {
    pub(super) fn add(&mut self, sign: Sign) {
        self.0 |= 1 << (sign as u32);
    }

    fn has(self, signs: &[Sign]) -> bool {
        signs.iter().all(|&sign| self.0 & (1 << (sign as u32)) != 0)
    }

    /// The family, and which part carries its signature. A part alone is no signed URL.
    /// `is_sagemaker`: the host is one whose addresses SageMaker signs.
    pub(super) fn family(self, is_sagemaker: bool) -> Option<(&'static Kind, Sign)> {
        if self.has(&[Sign::AmzSignature, Sign::Credential]) {
            let kind = if self.has(&[Sign::RegionSet]) {
                kinds::AWS_SIGV4A
            } else {
                kinds::AWS_SIGV4
            };
            return Some((kind, Sign::AmzSignature));
        }
        if is_sagemaker && self.has(&[Sign::Token]) {
            return Some((kinds::SAGEMAKER, Sign::Token));
        }
        let families: [(&[Sign], &'static Kind, Sign); 9] = [
            (
                &[Sign::GoogSignature, Sign::Credential],
                kinds::GCS_V4,
                Sign::GoogSignature,
            ),
            (
                &[Sign::SasSignature, Sign::SasVersion, Sign::SasExpiry],
                kinds::AZURE_SAS,
                Sign::SasSignature,
            ),
            (
                &[Sign::SasSignature, Sign::SasVersion, Sign::SasPolicy],
                kinds::AZURE_SAS,
                Sign::SasSignature,
            ),
            (
                &[Sign::SasSignature, Sign::SasExpiry, Sign::SasPolicy],
                kinds::AZURE_SAS,
                Sign::SasSignature,
            ),
            (
                &[Sign::Signature, Sign::KeyPairId],
                kinds::CLOUDFRONT,
                Sign::Signature,
            ),
            (
                &[Sign::Signature, Sign::GoogleAccessId],
                kinds::GCS_V2,
                Sign::Signature,
            ),
            (
                &[Sign::Signature, Sign::Expires, Sign::KeyName],
                kinds::CLOUD_CDN,
                Sign::Signature,
            ),
            (
                &[Sign::Signature, Sign::AwsAccessKeyId],
                kinds::AWS_SIGV2,
                Sign::Signature,
            ),
            (&[Sign::Akamai], kinds::AKAMAI, Sign::Token),
        ];
        families
            .into_iter()
            .find(|(parts, _, _)| self.has(parts))
            .map(|(_, kind, signature)| (kind, signature))
    }
}
