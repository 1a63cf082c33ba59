#!/bin/sh
# Starts helm without the credentials of the process that builds: kustomize
# hands its own environment on and has no setting for another one. Only what is
# named here reaches helm; the real helm is the link beside this script.
exec env -i \
  PATH="$PATH" \
  HOME="${HOME:-/}" \
  TMPDIR="${TMPDIR:-/tmp}" \
  HELM_CONFIG_HOME="$HELM_CONFIG_HOME" \
  HELM_CACHE_HOME="$HELM_CACHE_HOME" \
  HELM_DATA_HOME="$HELM_DATA_HOME" \
  ${HTTP_PROXY:+HTTP_PROXY="$HTTP_PROXY"} \
  ${HTTPS_PROXY:+HTTPS_PROXY="$HTTPS_PROXY"} \
  ${NO_PROXY:+NO_PROXY="$NO_PROXY"} \
  ${http_proxy:+http_proxy="$http_proxy"} \
  ${https_proxy:+https_proxy="$https_proxy"} \
  ${no_proxy:+no_proxy="$no_proxy"} \
  ${SSL_CERT_FILE:+SSL_CERT_FILE="$SSL_CERT_FILE"} \
  ${SSL_CERT_DIR:+SSL_CERT_DIR="$SSL_CERT_DIR"} \
  "${0%/*}/real" "$@"
