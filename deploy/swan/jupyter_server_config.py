# Lines for the configuration of SWAN's Jupyter server, where the hub exchanges a token for Rucio.
c = get_config()  # noqa: F821

# The hub's `exchange_tokens` has one more audience, "rucio".
c.SwanOauthRenew.files.append(("/tmp/rucio_oauth.token", "exchanged_tokens/rucio", "{token}"))
c.RucioConfig.instances = [
    {
        "name": "escape",
        "display_name": "ESCAPE",
        "rucio_base_url": "https://vre-rucio.cern.ch",
        "rucio_auth_url": "https://vre-rucio-auth.cern.ch",
        "rucio_ca_cert": "/cvmfs/sw.escape.eu/etc/ssl/certs/rucio_ca.pem",
        "mode": "replica",
        "destination_rse": "CERN-EOSPILOT",
        "rse_mount_path": "/eos/eulake",
        "path_begins_at": 5,
        "oidc_auth": "file",
        "oidc_file_name": "/tmp/rucio_oauth.token",
    }
]
