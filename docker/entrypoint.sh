#!/usr/bin/env bash
# What the image does, by its first word:
#   master [options]                         a Spark master
#   worker spark://master:7077 [options]     a Spark worker
#   submit [options] [count [options]]       spark-submit of the job: its own options, then those of session-calc;
#                                            sessions, label, measure, profile as well as count
#   driver ..., executor                     what Spark on Kubernetes starts by itself
#   pyspark [options]                        Spark's shell
#   run program ...                          any program
# Everything else is for session-calc: count, doctor, generate, --help.
set -euo pipefail

# Java asks for the name of its user id and Hadoop fails without one, so a random id gets one that only this process sees.
if ! getent passwd "$(id -u)" >/dev/null; then
    NSS_WRAPPER_PASSWD=$(mktemp)
    cp /etc/passwd "$NSS_WRAPPER_PASSWD"
    echo "session_calc:x:$(id -u):$(id -g)::$HOME:/bin/false" >>"$NSS_WRAPPER_PASSWD"
    export NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP=/etc/group LD_PRELOAD=libnss_wrapper.so
fi

application=/opt/count_sessions.py

# Gives spark-submit its words: what stands before the job's command is its own, the rest goes behind the application file.
submit() {
    local words=() word found=
    if [ ! -e "$application" ]; then # the image without the job
        exec spark-submit "$@"
    fi
    for word; do
        case $found$word in
        count | sessions | label | measure | profile)
            words+=("$application")
            found=yes:
            ;;
        esac
        words+=("$word")
    done
    [ -n "$found" ] || words+=("$application" count)
    exec spark-submit "${words[@]}"
}

# As Spark on Kubernetes expects of an image: all is told by the environment, Java's options in SPARK_JAVA_OPT_0, _1, ...
executor() {
    local options=() name
    for name in "${!SPARK_JAVA_OPT_@}"; do
        options+=("${!name}")
    done
    exec java "${options[@]}" "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" \
        -cp "${SPARK_CONF_DIR:-$SPARK_HOME/conf}:${SPARK_CLASSPATH:-}:$SPARK_HOME/jars/*:${SPARK_EXTRA_CLASSPATH:-}" \
        org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
        --driver-url "$SPARK_DRIVER_URL" --executor-id "$SPARK_EXECUTOR_ID" --cores "$SPARK_EXECUTOR_CORES" \
        --app-id "$SPARK_APPLICATION_ID" --hostname "$SPARK_EXECUTOR_POD_IP" \
        --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" --podName "$SPARK_EXECUTOR_POD_NAME"
}

word=${1:-}
case $word in
master | worker)
    class=${word^}
    exec spark-class "org.apache.spark.deploy.$word.$class" "${@:2}"
    ;;
submit) submit "${@:2}" ;;
driver)
    exec spark-submit --conf "spark.driver.bindAddress=$SPARK_DRIVER_BIND_ADDRESS" --deploy-mode client "${@:2}"
    ;;
executor) executor ;;
pyspark) exec "$@" ;;
run) exec "${@:2}" ;;
*) exec session-calc "$@" ;;
esac
