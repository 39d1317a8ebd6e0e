"""Configurations that the tests share."""

ATLAS = """
[instances.atlas]
host = "https://rucio.atlas.example:443"
auth_host = "https://auth.atlas.example"
account = "jdoe"
auth_type = "x509_proxy"
aliases = ["ATLAS-Prod"]
"""
BELLE = """
[instances.belle]
host = "https://rucio.belle.example"
auth_type = "gss"
"""
RUCIO_CFG = """
[client]
rucio_host = https://rucio.cms.example
auth_host = https://auth.cms.example:443
account = cmsuser
auth_type = userpass
username = name
password = 100%%secret
ca_cert = /etc/cms-ca.pem
"""
