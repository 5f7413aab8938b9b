# Container images and the cluster of docker/compose.yaml, a target each; docker/README.md tells more.
#
#   HUB_PUBLISHER   whose images: the account on the registry; without it the images have no prefix and stay here
#   HUB_REGISTRY    the registry; without it the one that the container engine takes
#   HUB_PASSWORD    for login: from the environment, or typed; never an argument
#   SPARK_VERSION, HADOOP_VERSION   of the images; Hadoop is the version of the client that this PySpark brings
#   BUMP_LEVEL      patch, minor or major
#   PYTHON_DIGEST   sha256:... of the base image, for a build that can be repeated
#   BUILD_OPTIONS   more words for docker build

SPARK_VERSION ?= 4.2.1
HADOOP_VERSION ?= 3.5.0
BUMP_LEVEL ?= patch

VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' session_calc/_version.py)
HUB = $(addsuffix /,$(HUB_REGISTRY))$(addsuffix /,$(HUB_PUBLISHER))
APP = $(HUB)session_calc
SPARK = $(HUB)docker-spark
SPARK_TAG = $(VERSION)-spark$(SPARK_VERSION)-hadoop$(HADOOP_VERSION)
TEST_IMAGE = session_calc-test:latest

DOCKER = $(or $(CONTAINER_ENGINE),$(error Neither docker nor podman answers; this target needs one of them))
BUILD = $(DOCKER) build --file docker/Dockerfile $(BUILD_OPTIONS) \
    --build-arg SPARK_VERSION=$(SPARK_VERSION) --build-arg HADOOP_VERSION=$(HADOOP_VERSION) \
    $(if $(PYTHON_DIGEST),--build-arg PYTHON_DIGEST=$(PYTHON_DIGEST))
COMPOSE = SESSION_CALC_IMAGE=$(APP):$(VERSION) RUN_AS_UID=$$(id -u) $(DOCKER) compose --file docker/compose.yaml
PUBLISHER = $(or $(HUB_PUBLISHER),$(error HUB_PUBLISHER is not set. Set it to the account on the registry))

# Only the names: the engine takes the values from its own environment, where no other user sees them.
PASSED_ON := READ_PATH USER_KEY TIMESTAMP_KEY TIMESTAMP_UNIT MAX_SESSION_SECONDS GAP_RULE GROUP_KEY ENGINE SPARK_REMOTE \
    REJECTS_PATH MAX_SESSION_DURATION_SECONDS MAX_SESSION_EVENTS SPLIT_ON_CHANGE CUT_AT_MIDNIGHT TIMEZONE EVENT_KEY \
    START_EVENT END_EVENT EXCLUDE_EVENTS DEDUPE_KEY SESSIONS_PATH LAST_VALUES PARTITION_BY_DAY LABELS_PATH \
    MEASURES_PATH MEASURE_BY SINK SINK_SCHEMA PGPASSWORD \
    MAX_LINE_BYTES MAX_REJECT_SHARE S3_ANONYMOUS S3_REQUESTER_PAYS AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY \
    AWS_SESSION_TOKEN AWS_REGION AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3

# Paths below this folder work as they do outside; results go to WRITE_PATH and belong to who runs it.
LOCAL_WRITE_PATH = $(if $(findstring ://,$(WRITE_PATH)),output,$(or $(WRITE_PATH),output))
RUN = $(DOCKER) run --rm --user "$$(id -u):0" --cap-drop ALL --security-opt no-new-privileges \
    --volume "$(CURDIR):/job:ro" --volume "$(abspath $(LOCAL_WRITE_PATH)):/job/output" \
    $(if $(wildcard $(HOME)/.aws),--volume "$(HOME)/.aws:/home/spark/.aws:ro") \
    $(addprefix --env ,$(PASSED_ON)) --env WRITE_PATH='$(if $(findstring ://,$(WRITE_PATH)),$(WRITE_PATH),output)'

.PHONY: build_app pull_app push_app release_app bump_app run_app debug_app clean_app login session_calc_cluster \
    build_docker_spark pull_docker_spark push_docker_spark release_docker_spark bump_docker_spark run_docker_spark lock_jars

build_app:  ## Build the image of the job.
	@$(BUILD) --target app --tag $(APP):$(VERSION) --tag $(APP):latest .

pull_app:  ## Pull the job's image from the registry of HUB_PUBLISHER.
	@$(if $(PUBLISHER),$(DOCKER)) pull $(APP):$(VERSION)

push_app:  ## Push the job's image, as this version and as latest.
	@$(if $(PUBLISHER),$(DOCKER)) push $(APP):$(VERSION)
	@$(DOCKER) push $(APP):latest

release_app:  ## Build the job's image, count the sample with it, and push it.
	@$(if $(PUBLISHER),$(MAKE)) --no-print-directory build_app
	@$(DOCKER) run --rm --network none $(APP):$(VERSION) count
	@$(MAKE) --no-print-directory push_app

bump_app: .venv-release/.installed  ## Raise the version by BUMP_LEVEL (patch, minor, major), date the changelog, commit and tag.
	@.venv-release/bin/bump-my-version bump $(BUMP_LEVEL)

run_app:  ## Count sessions in a container; settings as for session_calc, paths below this folder.
	@mkdir -p '$(LOCAL_WRITE_PATH)'
	@$(RUN) $(APP):$(VERSION) count

debug_app:  ## Open a shell in the job's image, with the settings and folders of run_app.
	@mkdir -p '$(LOCAL_WRITE_PATH)'
	@$(RUN) --interactive --tty $(APP):$(VERSION) run bash

clean_app:  ## Remove the job's images of this version, and what is left of the compose cluster.
	@$(COMPOSE) down --volumes --remove-orphans
	@for image in $(APP):$(VERSION) $(APP):latest $(TEST_IMAGE); do \
	    if $(DOCKER) image inspect $$image >/dev/null 2>&1; then $(DOCKER) image rm $$image; fi; done

login:  ## Log in to the registry as HUB_PUBLISHER; the password is asked for, or taken from the environment's HUB_PASSWORD.
	@$(if $(filter command,$(firstword $(origin HUB_PASSWORD))),$(error HUB_PASSWORD stands on the command line, where \
	    everybody on this machine can read it. Leave it out and type it, or put it into the environment))
	@if [ -n "$$HUB_PASSWORD" ]; then \
	    printf '%s' "$$HUB_PASSWORD" | env -u HUB_PASSWORD $(DOCKER) login --username $(PUBLISHER) --password-stdin $(HUB_REGISTRY); \
	else \
	    $(DOCKER) login --username $(PUBLISHER) $(HUB_REGISTRY); \
	fi

build_docker_spark:  ## Build the image of Spark alone, with S3, for jobs of your own.
	@$(BUILD) --target spark --tag $(SPARK):$(SPARK_TAG) --tag $(SPARK):latest .

pull_docker_spark:  ## Pull the Spark image from the registry of HUB_PUBLISHER.
	@$(if $(PUBLISHER),$(DOCKER)) pull $(SPARK):$(SPARK_TAG)

push_docker_spark:  ## Push the Spark image, as this version and as latest.
	@$(if $(PUBLISHER),$(DOCKER)) push $(SPARK):$(SPARK_TAG)
	@$(DOCKER) push $(SPARK):latest

release_docker_spark:  ## Build the Spark image, start Spark in it once, and push it.
	@$(if $(PUBLISHER),$(MAKE)) --no-print-directory build_docker_spark
	@$(DOCKER) run --rm --network none $(SPARK):$(SPARK_TAG) submit --version
	@$(MAKE) --no-print-directory push_docker_spark

bump_docker_spark: bump_app  ## The same as bump_app: both images come from one file and have one version.

run_docker_spark:  ## Open Spark's Python shell in the Spark image; its page is on http://localhost:4040.
	@$(DOCKER) run --rm --interactive --tty --publish 127.0.0.1:4040:4040 $(SPARK):$(SPARK_TAG)

session_calc_cluster:  ## Count sessions on a Spark cluster in containers: a master, two workers and an S3 store with the sample.
	@mkdir -p output
	@$(COMPOSE) build job store
	@trap '$(COMPOSE) down --volumes' EXIT; $(COMPOSE) run --rm job

lock_jars: .venv-spark/.installed  ## Write docker/jars.txt anew: the jars for S3 that go with this PySpark, and their SHA-512.
	@PYTHON=.venv-spark/bin/python docker/lock_jars.sh
