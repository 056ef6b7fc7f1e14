"""The deployment files fit the repository: files, ports, versions and health checks."""

import re

import yaml
from conftest import ROOT
from packaging.requirements import Requirement

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
PORT = re.search(r"GRADIO_SERVER_PORT=(\d+)", DOCKERFILE)[1]
OBJECTS = {
    (part["kind"], part["metadata"]["name"]): part
    for part in yaml.safe_load_all((DEPLOY / "kuberay.yaml").read_text())
}
CLUSTER = OBJECTS["RayCluster", "readers"]["spec"]


def test_the_image_gets_all_files_that_it_needs():
    copied = [line.split()[1] for line in DOCKERFILE.splitlines() if re.match("COPY [^-]", line)]
    assert copied and all((ROOT / name).exists() for name in copied)
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    needed = {"app.py", "model.py", "inkling", "checkpoints", "data", "examples", "deploy"}
    assert not {*needed, *copied} & set(ignored)


def test_the_image_has_an_unprivileged_user_and_a_health_check():
    assert re.search(r"^USER 1000$", DOCKERFILE, re.M)
    assert f"EXPOSE {PORT}" in DOCKERFILE and f"127.0.0.1:{PORT}/healthz" in DOCKERFILE


def test_pages_connect_to_the_readers_and_the_ingress_to_pages():
    pages = OBJECTS["Deployment", "pages"]["spec"]["template"]
    page = pages["spec"]["containers"][0]
    assert "--address=readers-head-svc:6379" in page["args"][0]
    assert page["ports"] == [{"containerPort": int(PORT), "name": "http"}]
    for probe in ("readinessProbe", "livenessProbe"):
        assert page[probe]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert OBJECTS["Service", "page"]["spec"]["selector"] == pages["metadata"]["labels"]
    ingress = OBJECTS["Ingress", "page"]
    rule = ingress["spec"]["rules"][0]["http"]["paths"][0]
    assert rule["backend"]["service"]["name"] == "page"
    affinity = ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/affinity"]
    assert affinity == "cookie"


def test_the_cluster_grows_and_has_no_readers_on_its_head():
    assert CLUSTER["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    (workers,) = CLUSTER["workerGroupSpecs"]
    assert workers["minReplicas"] <= workers["replicas"] < workers["maxReplicas"]
    lines = (DEPLOY / "requirements-ray.txt").read_text().splitlines()
    ray = Requirement(next(line for line in lines if line.startswith("ray")))
    assert ray.specifier.contains(CLUSTER["rayVersion"])
    for group in [CLUSTER["headGroupSpec"], workers]:
        for container in group["template"]["spec"]["containers"]:
            assert set(container["resources"]) == {"requests", "limits"}
