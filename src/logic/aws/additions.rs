//! Names that botocore's data does not know, each with the page of AWS's documentation (or the
//! botocore rule set) that has it. Sorted where searched; a test checks that.

use super::tables::{Service, Services, Suffix};

/// A pattern of labels beside the region, without `fips`, and its service.
pub(super) struct Row {
    pattern: &'static str,
    service: Service,
    #[cfg(test)]
    pub(super) source: &'static str,
}

impl Row {
    /// `_source` is for readers, and for the test that asks for one.
    const fn new(pattern: &'static str, service: &'static str, _source: &'static str) -> Row {
        Row {
            pattern,
            service: Service::plain(service),
            #[cfg(test)]
            source: _source,
        }
    }

    const fn customers(mut self) -> Row {
        self.service.customer = true;
        self
    }

    const fn only_in(mut self, region: &'static str) -> Row {
        self.service.only_region = Some(region);
        self
    }

    pub(super) fn service(&self) -> Service {
        self.service
    }

    #[cfg(test)]
    pub(super) fn pattern(&self) -> &'static str {
        self.pattern
    }
}

/// Finds a pattern in one of the tables below.
pub(super) fn find(table: &'static [Row], pattern: &str) -> Option<&'static Row> {
    let at = table
        .binary_search_by(|row| row.pattern.cmp(pattern))
        .ok()?;
    table.get(at)
}

/// Domains besides the partitions' own. Only where AWS itself answers and people or programs sign
/// in: content that customers publish (cloudfront.net, elasticbeanstalk.com, amplifyapp.com,
/// awsapprunner.com, awsglobalaccelerator.com) is theirs.
#[rustfmt::skip]
pub(super) static SUFFIXES: &[Suffix] = &[
    // botocore, rule set of signin: one domain a partition, `REGION.signin` under it.
    Suffix::dns("amazonaws-eusc.eu", "aws-eusc", false).with(Services::Pages),
    Suffix::dns("amazonaws-us-gov.com", "aws-us-gov", false).with(Services::Pages),
    Suffix::dns("amazonaws.cn", "aws-cn", false).with(Services::Pages),
    Suffix::dns("aws.amazon.com", "aws", false).with(Services::Pages),
    Suffix::dns("c2shome.ic.gov", "aws-iso", false).with(Services::Pages),
    Suffix::dns("csphome.adc-e.uk", "aws-iso-e", false).with(Services::Pages),
    Suffix::dns("csphome.hci.ic.gov", "aws-iso-f", false).with(Services::Pages),
    Suffix::dns("sc2shome.sgov.gov", "aws-iso-b", false).with(Services::Pages),
    Suffix::dns("signin.aws", "aws", false).with(Services::Fixed("signin")),
    // Amazon Cognito, "Configuring a user pool domain": DOMAIN.auth.REGION.amazoncognito.com.
    Suffix::dns("amazoncognito.com", "aws", false).with(Services::Fixed("cognito-idp")),
    // AWS IAM Identity Center, "Using the AWS access portal"; start.us-gov-home is GovCloud's.
    Suffix::dns("awsapps.com", "aws", false).with(Services::Pages),
    Suffix::dns("us-gov-home.awsapps.com", "aws-us-gov", false).with(Services::Pages),
    // Amazon ECR Public, "Making requests to Amazon ECR Public registries".
    Suffix::dns("ecr-public.aws.com", "aws", true).with(Services::Fixed("ecr-public")),
    Suffix::dns("public.ecr.aws", "aws", false).with(Services::Fixed("ecr-public")),
    // Amazon SageMaker, "Connect to a notebook instance through a VPC interface endpoint".
    Suffix::dns("sagemaker.aws", "aws", false).with(Services::Fixed("sagemaker")),
    Suffix::dns("sagemaker.com.cn", "aws-cn", false).with(Services::Fixed("sagemaker")),
    // Amazon Chime SDK, "Network configuration and bandwidth requirements".
    Suffix::dns("chime.aws", "aws", false).with(Services::Fixed("chime")),
    // Amazon WorkSpaces, "IP address and port requirements".
    Suffix::dns("amazonworkspaces.com", "aws", false).with(Services::Fixed("workspaces")),
    // Amazon AppStream 2.0, "Allowed domains".
    Suffix::dns("amazonappstream.com", "aws", false).with(Services::Fixed("appstream")),
];

#[rustfmt::skip]
pub(super) static PATTERNS: &[Row] = &[
    Row::new("appsync-api", "appsync", "AWS AppSync, Configuring custom domain names"),
    Row::new("appsync-realtime-api", "appsync", "AWS AppSync, Building a real-time WebSocket client"),
    Row::new("aps-workspaces", "aps", "Amazon Managed Service for Prometheus endpoints and quotas"),
    Row::new("cache", "elasticache", "Amazon ElastiCache, Finding connection endpoints"),
    Row::new("compute", "ec2", "Amazon EC2, EC2 instance hostnames and domains").customers(),
    Row::new("compute-1", "ec2", "Amazon EC2, EC2 instance hostnames and domains").customers().only_in("us-east-1"),
    Row::new("credentials.iot", "iot", "AWS IoT Core, Authorizing direct calls with the credential provider"),
    Row::new("d.codeartifact", "codeartifact", "AWS CodeArtifact endpoints and quotas"),
    Row::new("dax-clusters", "dax", "Amazon DynamoDB, Developing with the DAX client"),
    Row::new("deviceadvisor.iot", "iotdeviceadvisor", "AWS IoT Core, Device Advisor, Setting up"),
    Row::new("dkr-ecr", "ecr", "Amazon ECR, Making requests to Amazon ECR registries"),
    Row::new("dkr.ecr", "ecr", "Amazon ECR endpoints and quotas"),
    Row::new("eks-cluster", "eks", "Amazon EKS, Cluster API server endpoint"),
    Row::new("elb", "elasticloadbalancing", "Elastic Load Balancing, DNS name of a load balancer").customers(),
    Row::new("email-smtp", "ses", "Amazon Simple Email Service endpoints and quotas"),
    Row::new("emrappui-prod", "elasticmapreduce", "Amazon EMR, View persistent application user interfaces"),
    Row::new("emrnotebooks-prod", "elasticmapreduce", "Amazon EMR, EMR Notebooks"),
    Row::new("emrstudio-prod", "elasticmapreduce", "Amazon EMR, EMR Studio"),
    Row::new("git-codecommit", "codecommit", "AWS CodeCommit, Regions and Git connection endpoints"),
    Row::new("grafana-workspace", "grafana", "Amazon Managed Grafana endpoints and quotas"),
    Row::new("inbound-smtp", "ses", "Amazon Simple Email Service endpoints and quotas"),
    Row::new("jobs.iot", "iot-jobs-data", "AWS IoT Core, endpoints for jobs"),
    Row::new("kafka-serverless", "kafka", "Amazon MSK, MSK Serverless clusters"),
    Row::new("lambda-url", "lambda", "AWS Lambda, Creating and managing function URLs"),
    Row::new("livy.emr-serverless-services", "emr-serverless", "Amazon EMR Serverless, Running interactive workloads"),
    Row::new("oidc-eks", "eks", "Amazon EKS, Dual-stack OIDC issuer"),
    Row::new("s3-external-1", "s3", "botocore, endpoints.json").only_in("us-east-1"),
    Row::new("s3-website", "s3", "Amazon S3, Website endpoints"),
    Row::new("sagemaker", "sagemaker", "Amazon SageMaker endpoints and quotas"),
    Row::new("tunneling.iot", "IoTSecuredTunneling", "AWS IoT Device Management endpoints, secure tunneling data plane"),
    Row::new("vpc-lattice-rsc", "vpc-lattice", "Amazon VPC Lattice, Resource configurations").customers(),
    Row::new("vpc-lattice-svcs", "vpc-lattice-svcs", "Amazon VPC Lattice, SIGv4 authenticated requests").customers(),
];

/// Patterns that stand for another service once something stands to their left.
#[rustfmt::skip]
pub(super) static UNDER: &[Row] = &[
    Row::new("iot", "iotdata", "AWS IoT Core, Connecting devices: ACCOUNT_PREFIX-ats.iot.REGION"),
    Row::new("neptune", "neptune-db", "Amazon Neptune, Connecting to endpoints: CLUSTER.REGION.neptune"),
];

/// Region codes of ElastiCache names (`x.use1.cache.amazonaws.com`), as in availability zone ids.
/// Source: AWS, "Availability Zone IDs"; Amazon ElastiCache, "Finding connection endpoints".
#[rustfmt::skip]
pub(super) static REGION_CODES: &[(&str, &str)] = &[
    ("afs1", "af-south-1"), ("ape1", "ap-east-1"), ("ape2", "ap-east-2"),
    ("apne1", "ap-northeast-1"), ("apne2", "ap-northeast-2"), ("apne3", "ap-northeast-3"),
    ("aps1", "ap-south-1"), ("aps2", "ap-south-2"), ("apse1", "ap-southeast-1"),
    ("apse2", "ap-southeast-2"), ("apse3", "ap-southeast-3"), ("apse4", "ap-southeast-4"),
    ("apse5", "ap-southeast-5"), ("apse6", "ap-southeast-6"), ("apse7", "ap-southeast-7"),
    ("cac1", "ca-central-1"), ("caw1", "ca-west-1"), ("cnn1", "cn-north-1"),
    ("cnnw1", "cn-northwest-1"), ("cnw1", "cn-northwest-1"), ("euc1", "eu-central-1"),
    ("euc2", "eu-central-2"), ("eun1", "eu-north-1"), ("eus1", "eu-south-1"),
    ("eus2", "eu-south-2"), ("euw1", "eu-west-1"), ("euw2", "eu-west-2"),
    ("euw3", "eu-west-3"), ("ilc1", "il-central-1"), ("mec1", "me-central-1"),
    ("mes1", "me-south-1"), ("mew1", "me-west-1"), ("mxc1", "mx-central-1"),
    ("sae1", "sa-east-1"), ("saw1", "sa-west-1"), ("uge1", "us-gov-east-1"),
    ("ugw1", "us-gov-west-1"), ("use1", "us-east-1"), ("use2", "us-east-2"),
    ("usge1", "us-gov-east-1"), ("usgw1", "us-gov-west-1"), ("usw1", "us-west-1"),
    ("usw2", "us-west-2"),
];
