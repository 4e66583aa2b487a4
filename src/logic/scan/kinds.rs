//! The kinds of finding: one table, from which records, answers and the documentation take their
//! words. docs/credentials.md has the source of every form.

use crate::model::Rule;
use crate::model::Severity;

/// What was found, by name.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The stable id, as in records and settings.
    pub id: &'static str,
    pub rule: Rule,
    pub severity: Severity,
    pub reach: Reach,
    /// What it is, as a noun with its article.
    what: &'static str,
    mend: Mend,
}

/// How strong an action a kind may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// What the settings say for its rule.
    AsSet,
    /// It is reported at most: there is no other way, or it says too little.
    Report,
}

#[derive(Debug, PartialEq, Eq)]
enum Mend {
    Userinfo,
    Username,
    Header,
    Environment,
    Store,
    Capability,
    Signed,
}

impl Kind {
    /// What was wrong and how to mend it; never the value.
    pub fn hint(&self, place: &str) -> String {
        let what = self.what;
        match self.mend {
            Mend::Userinfo => format!(
                "The URL carries {what}. Send them in an Authorization header (curl --user, \
                 requests auth=), or keep them in a netrc or a git credential helper."
            ),
            Mend::Username => format!("The URL carries {what}."),
            Mend::Header => format!(
                "The URL carries {what} ({place}). URLs end up in logs and histories: send it in \
                 an Authorization header, or as the service's documentation says for headers."
            ),
            Mend::Environment => format!(
                "The URL carries {what} ({place}). Give it to the client by its environment or \
                 settings file, so that it is sent in a header."
            ),
            Mend::Store => format!(
                "The URL carries {what} ({place}). Keep it in a secret store (AWS Secrets Manager, \
                 Parameter Store) and send its name instead."
            ),
            Mend::Capability => format!(
                "The URL is {what} ({place}): whoever has it can use it. Keep it in a secret store, \
                 out of logs and code."
            ),
            Mend::Signed => format!(
                "The URL is {what} ({place}): whoever has it can use it until it expires. Keep it \
                 out of logs."
            ),
        }
    }
}

const fn credential(id: &'static str, what: &'static str, mend: Mend) -> Kind {
    Kind {
        id,
        rule: Rule::UrlCredentials,
        severity: Severity::High,
        reach: Reach::AsSet,
        what,
        mend,
    }
}

const fn signed(id: &'static str, what: &'static str) -> Kind {
    Kind {
        id,
        rule: Rule::PresignedUrl,
        severity: Severity::Info,
        reach: Reach::AsSet,
        what,
        mend: Mend::Signed,
    }
}

macro_rules! kinds {
    ($($name:ident = $kind:expr;)*) => {
        $(pub(super) const $name: &Kind = &$kind;)*

        /// All kinds, in the documentation's order.
        pub const KINDS: &[&Kind] = &[$($name),*];
    };
}

kinds! {
    USERINFO = credential("userinfo", "a user name and a password (user:password@host)", Mend::Userinfo);
    USERNAME = Kind {
        severity: Severity::Info,
        reach: Reach::Report,
        ..credential("username", "a user name (user@host)", Mend::Username)
    };
    SECRET_PARAMETER = credential("secret-parameter", "a parameter that holds a secret by its name", Mend::Header);
    CONNECTION_STRING = credential("connection-string", "a connection string with its password", Mend::Store);
    PRIVATE_KEY = credential("private-key", "a private key", Mend::Store);
    JWT = credential("jwt", "a signed token (JWT)", Mend::Header);
    AWS_SECRET = credential("aws-secret", "an AWS session token or API key", Mend::Environment);
    AZURE_SECRET = credential("azure-secret", "a secret of Azure", Mend::Environment);
    GOOGLE_KEY = credential("google-key", "a key or token of Google", Mend::Header);
    GITHUB_TOKEN = credential("github-token", "a GitHub token", Mend::Header);
    GITLAB_TOKEN = credential("gitlab-token", "a GitLab token", Mend::Header);
    HUGGINGFACE_TOKEN = credential("huggingface-token", "a Hugging Face token", Mend::Environment);
    OPENAI_KEY = credential("openai-key", "an API key of the OpenAI form", Mend::Header);
    ANTHROPIC_KEY = credential("anthropic-key", "an Anthropic key", Mend::Header);
    SLACK_TOKEN = credential("slack-token", "a Slack token", Mend::Header);
    NPM_TOKEN = credential("npm-token", "an npm token", Mend::Environment);
    PYPI_TOKEN = credential("pypi-token", "a PyPI token", Mend::Environment);
    CONDA_TOKEN = credential("conda-token", "a conda channel's token", Mend::Environment);
    DOCKER_TOKEN = credential("docker-token", "a Docker token", Mend::Environment);
    DATABRICKS_TOKEN = credential("databricks-token", "a Databricks token", Mend::Header);
    WANDB_KEY = credential("wandb-key", "a Weights & Biases key", Mend::Environment);
    STRIPE_KEY = credential("stripe-key", "a Stripe key", Mend::Header);
    TWILIO_KEY = credential("twilio-key", "a Twilio API key", Mend::Header);
    SENDGRID_KEY = credential("sendgrid-key", "a SendGrid key", Mend::Header);
    TELEGRAM_TOKEN = credential("telegram-token", "a Telegram bot's token", Mend::Store);
    SERVICE_TOKEN = credential("service-token", "a token by its form", Mend::Header);
    CAPABILITY_URL = Kind {
        severity: Severity::Medium,
        reach: Reach::Report,
        ..credential("capability-url", "a webhook or bot address that is itself the key", Mend::Capability)
    };
    AWS_SIGV2 = signed("aws-sigv2", "signed with AWS Signature Version 2 for a limited time");
    AWS_SIGV4 = signed("aws-sigv4", "signed with AWS Signature Version 4 for a limited time");
    AWS_SIGV4A = signed("aws-sigv4a", "signed with AWS Signature Version 4A for a limited time");
    CLOUDFRONT = signed("cloudfront", "signed for CloudFront for a limited time");
    SAGEMAKER = signed("sagemaker", "a presigned address of SageMaker");
    GCS_V2 = signed("gcs-v2", "signed for Google Cloud Storage (V2) for a limited time");
    GCS_V4 = signed("gcs-v4", "signed for Google Cloud Storage (V4) for a limited time");
    CLOUD_CDN = signed("cloud-cdn", "signed for Google Cloud CDN for a limited time");
    AZURE_SAS = signed("azure-sas", "a shared access signature of Azure");
    AKAMAI = signed("akamai", "signed for Akamai for a limited time");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_words_and_every_kind_is_documented() {
        let page = include_str!("../../../docs/credentials.md");
        for (place, kind) in KINDS.iter().enumerate() {
            assert!(
                kind.id
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            );
            assert!(
                KINDS
                    .iter()
                    .skip(place + 1)
                    .all(|other| other.id != kind.id),
                "{}",
                kind.id
            );
            assert!(
                page.contains(&format!("| `{}` |", kind.id)),
                "{} is not in docs/credentials.md",
                kind.id
            );
        }
    }
}
