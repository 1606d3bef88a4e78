"""Where the cloud's API is, inside the lab."""

CLOUD_PORT = 4566
CLOUD_URL = f"http://cloud.lab.test:{CLOUD_PORT}"
