"""Prints the running instances as JSON. Runs inside the lab, with the Python that has boto3."""

import json

import boto3


def main():
    pages = boto3.client("ec2").get_paginator("describe_instances")
    running = pages.paginate(Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}])
    instances = [
        {"id": instance["InstanceId"], "address": instance["PublicIpAddress"], "name": instance["PublicDnsName"]}
        for page in running
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    ]
    print(json.dumps(sorted(instances, key=lambda instance: instance["id"])))


if __name__ == "__main__":
    main()
