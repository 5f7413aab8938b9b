#!/usr/bin/env bash
# Writes docker/jars.txt: the jars that classic Spark needs to read S3, each with its SHA-512. Run it, and look at what
# changed, when PySpark moves to another Hadoop client. Needs the network, Java 17 or newer, and an environment with
# PySpark: PYTHON=.venv-spark/bin/python docker/lock_jars.sh
#
# Spark resolves them itself, in the way of spark.jars.packages, so that the image has what a job without it would fetch.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

SPARK_HOME=$("${PYTHON:-python3}" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')
PYSPARK_PYTHON=$(command -v "${PYTHON:-python3}")
export SPARK_HOME PYSPARK_PYTHON

hadoop=$(basename "$SPARK_HOME"/jars/hadoop-client-api-*.jar .jar)
hadoop=${hadoop#hadoop-client-api-}
sdk=${AWS_SDK_VERSION:-2.35.4} # the one that hadoop-aws 3.5.0 names in its POM
ssooidc=${AWS_SSOOIDC_VERSION:-2.35.1} # Maven Central has not every version of it; the newest up to that of the SDK
aws=software.amazon.awssdk

# hadoop-aws names the whole SDK in one jar of 650 MB; its parts are 20 MB. sts: roles and web identities. sso, ssooidc:
# profiles that log in through IAM Identity Center.
packages=org.apache.hadoop:hadoop-aws:$hadoop
for part in "s3-transfer-manager:$sdk" "sts:$sdk" "netty-nio-client:$sdk" "sso:$sdk" "ssooidc:$ssooidc"; do
    packages+=,$aws:$part
done

cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT
touch "$cache/nothing.py"
"$SPARK_HOME/bin/spark-submit" --master 'local[1]' --conf "spark.jars.ivy=$cache" --conf spark.ui.enabled=false \
    --exclude-packages "$aws:bundle" --packages "$packages" "$cache/nothing.py" >&2

{
    echo "# What classic Spark needs beside its own jars to read S3: hadoop-aws $hadoop. Written by docker/lock_jars.sh."
    echo '# group:artifact:version SHA-512'
    for jar in "$cache"/jars/*.jar; do
        # Ivy names them group_artifact-version.jar
        name=$(basename "$jar" .jar)
        group=${name%%_*}
        artifact_version=${name#*_}
        artifact=$(sed -E 's/-[0-9][^-]*$//' <<<"$artifact_version")
        # Spark has these already, mostly newer, and two versions in one folder are one too many; its jcl-over-slf4j has the
        # classes of commons-logging.
        if [ "$artifact" = commons-logging ] || compgen -G "$SPARK_HOME/jars/$artifact-[0-9]*.jar" >/dev/null; then
            continue
        fi
        read -r digest _ < <(sha512sum "$jar")
        echo "$group:$artifact:${artifact_version#"$artifact"-} $digest"
    done | LC_ALL=C sort
} >"$cache/jars.txt"
cp "$cache/jars.txt" "$here/jars.txt"
