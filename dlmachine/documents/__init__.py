"""Files of settings and manifests as plain values: TOML, YAML and JSON."""
