#!/bin/sh
# Certificates as stock openssl makes them, of each kind of key and each version.
#
#     test/vectors/make-certificate.sh    # writes certificate/ beside this script
#
# Keys are made afresh and thrown away; the tests read what is there and ask node:crypto for the
# key that should be found.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
out="$here/certificate"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
rm -f "$out"/*.pem

openssl ecparam -name prime256v1 -genkey -noout -out "$work/ca.key"
openssl req -x509 -new -key "$work/ca.key" -subj '/O=example.test/CN=authority' -days 3650 -out "$out/authority.pem"

# What a keyless signer gets: no subject, the identity in a critical extension, an issuer's claim.
cat > "$work/leaf.cnf" <<'END'
[leaf]
keyUsage = critical, digitalSignature
extendedKeyUsage = codeSigning
subjectAltName = critical, email:ada@example.org
1.3.6.1.4.1.57264.1.8 = ASN1:UTF8String:https://issuer.example.test
END

# name, version 3 or 1, then how openssl makes the key
issue() {
  name=$1 version=$2; shift 2
  openssl genpkey -quiet "$@" -out "$work/$name.key" 2>/dev/null || openssl genpkey "$@" -out "$work/$name.key"
  openssl req -new -key "$work/$name.key" -subj / -out "$work/$name.csr"
  if [ "$version" = 3 ]; then set -- -extfile "$work/leaf.cnf" -extensions leaf; else set --; fi
  openssl x509 -req -in "$work/$name.csr" -CA "$out/authority.pem" -CAkey "$work/ca.key" \
    -set_serial 0x7f00112233445566778899aabbccddeeff001122 -days 3650 "$@" -out "$out/$name.pem"
}
issue p256 3 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
issue p256-version-1 1 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
issue p384 3 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
issue ed25519 3 -algorithm ED25519
issue rsa-2048 3 -algorithm RSA -pkeyopt rsa_keygen_bits:2048
issue rsa-4096 1 -algorithm RSA -pkeyopt rsa_keygen_bits:4096
