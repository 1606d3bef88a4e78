"""A local cloud: EC2 and RDS APIs, booted Debian hosts, names, packages and databases, all on one machine."""
