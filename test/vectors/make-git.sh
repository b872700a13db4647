#!/bin/sh
# Golden vectors of git objects and SSH signatures, made by stock git, ssh-keygen and gpg.
#
#     test/vectors/make-git.sh            # writes git/ and sshsig/ beside this script
#
# Keys are made afresh and thrown away, so every run gives other bytes; the tests read what is
# there. What git itself takes for the signed bytes is recorded by standing between git and the
# program that verifies: `payload` in git/index.json is the SHA-256 of what git handed over, and
# a vector is only written when git then said "good".
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset SSH_AUTH_SOCK GIT_DIR GIT_WORK_TREE 2>/dev/null || :
export HOME="$work" GNUPGHOME="$work/gnupg" LC_ALL=C TZ=UTC
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL="$work/gitconfig" GIT_TERMINAL_PROMPT=0
export GIT_AUTHOR_NAME='Ada Example' GIT_AUTHOR_EMAIL='ada@example.org'
export GIT_COMMITTER_NAME='Ben Example' GIT_COMMITTER_EMAIL='ben@example.org'
export GIT_AUTHOR_DATE='1700000000 +0100' GIT_COMMITTER_DATE='1700000060 -0330'

git_out="$here/git" ssh_out="$here/sshsig"
rm -rf "$git_out" "$ssh_out"
mkdir -p "$git_out" "$ssh_out" "$work/keys" "$GNUPGHOME"
chmod 700 "$GNUPGHOME"

digest() { sha256sum | cut -d' ' -f1; }

# --- keys ---------------------------------------------------------------------------------
make_key() { ssh-keygen -q -t "$2" -b "$3" -N '' -C "$1@example.org" -f "$work/keys/$1"; }
make_key ed25519 ed25519 256
make_key ecdsa-p256 ecdsa 256
make_key ecdsa-p384 ecdsa 384
make_key ecdsa-p521 ecdsa 521
make_key rsa-3072 rsa 3072
keys='ed25519 ecdsa-p256 ecdsa-p384 ecdsa-p521 rsa-3072'
for key in $keys; do
  cp "$work/keys/$key.pub" "$ssh_out/$key.pub"
  printf 'signer namespaces="git,file,dsse@countersign" %s\n' "$(cat "$work/keys/$key.pub")"
done > "$work/allowed"
gpg --batch --quiet --passphrase '' --quick-generate-key 'Ben Example <ben@example.org>' ed25519 sign never 2> /dev/null

# --- programs that stand between git and the verifier -------------------------------------
cat > "$work/ssh-keygen" << 'PROGRAM'
#!/bin/sh
case " $* " in *' -Y verify '*|*' -Y check-novalidate '*) tee "$CAPTURE" | ssh-keygen "$@" ;; *) exec ssh-keygen "$@" ;; esac
PROGRAM
cat > "$work/gpg" << 'PROGRAM'
#!/bin/sh
case " $* " in *' --verify '*) tee "$CAPTURE" | gpg "$@" ;; *) exec gpg --batch --quiet "$@" ;; esac
PROGRAM
chmod +x "$work/ssh-keygen" "$work/gpg"
export CAPTURE="$work/captured"
git config --global gpg.ssh.program "$work/ssh-keygen"
git config --global gpg.ssh.allowedSignersFile "$work/allowed"
git config --global gpg.program "$work/gpg"
git config --global advice.detachedHead false
git config --global init.defaultBranch main

# --- git objects --------------------------------------------------------------------------
# record FILE TYPE HASH ID KIND KEY PAYLOAD-DIGEST
record() {
  [ ! -e "$git_out/.rows" ] || printf ',\n' >> "$git_out/.rows"
  printf '  {"file": "%s", "type": "%s", "hash": "%s", "id": "%s", "kind": "%s", "key": "%s", "payload": "%s"}' \
    "$1" "$2" "$3" "$4" "$5" "$6" "$7" >> "$git_out/.rows"
}

# keep NAME TYPE KIND KEY OBJECT: verify with git, then write the object
keep() {
  rm -f "$CAPTURE"
  file="$hash-$1.$2"
  id=$(git rev-parse "$5")
  git cat-file "$2" "$id" > "$git_out/$file"
  payload=
  if [ "$3" != none ]; then
    git "verify-$2" "$id" 2> "$work/verdict" || { cat "$work/verdict" >&2; exit 1; }
    payload=$(digest < "$CAPTURE")
  fi
  record "$file" "$2" "$hash" "$id" "$3" "$4" "$payload"
}

use_key() { git config gpg.format ssh; git config user.signingKey "$work/keys/$1"; }

for hash in sha1 sha256; do
  git init -q --object-format="$hash" "$work/$hash"
  cd "$work/$hash"
  for key in $keys; do
    use_key "$key"
    echo "$key" > file
    git add file
    git commit -q -S -m "Change by $key" -m 'A body with a line that begins with a space:
 gpgsig -----BEGIN SSH SIGNATURE-----'
    keep "$key" commit ssh "$key" HEAD
    git tag -s "v-$key" -m "Release by $key"
    keep "$key" tag ssh "$key" "v-$key"
  done
  use_key ed25519

  git commit -q -S --allow-empty --allow-empty-message -m ''
  keep empty-message commit ssh ed25519 HEAD
  printf 'Gr\374\337e\n' | git -c i18n.commitEncoding=ISO-8859-1 commit -q -S --allow-empty -F -
  keep encoding commit ssh ed25519 HEAD
  printf 'line\r\nline\r\n' | git commit -q -S --allow-empty --cleanup=verbatim -F -
  keep carriage-return commit ssh ed25519 HEAD
  printf 'no line feed at the end' | git commit-tree -S -p HEAD 'HEAD^{tree}' > "$work/id"
  keep no-final-newline commit ssh ed25519 "$(cat "$work/id")"
  git commit -q --allow-empty -m 'Nobody signed this'
  keep unsigned commit none '' HEAD
  git tag -a v-unsigned -m 'Nobody signed this'
  keep unsigned tag none '' v-unsigned
  git tag -s v-quoted -m 'A tag that quotes an armor:
-----BEGIN SSH SIGNATURE-----
U1NIU0lH
-----END SSH SIGNATURE-----
and goes on.'
  keep quoted-armor tag ssh ed25519 v-quoted

  git config gpg.format openpgp
  git config user.signingKey ben@example.org
  git commit -q -S --allow-empty -m 'Signed with OpenPGP'
  keep openpgp commit openpgp '' HEAD
  git checkout -q -b side HEAD~1
  git commit -q --allow-empty -m 'On the side'
  git tag -s v-side -m 'Tag of the side'
  keep openpgp tag openpgp '' v-side
  git checkout -q main
  use_key ed25519
  git merge -q -S --no-ff --no-edit v-side
  git cat-file commit HEAD | grep -q '^mergetag ' || exit 1
  keep mergetag commit ssh ed25519 HEAD

  git init -q --bare --object-format="$hash" "$work/$hash.git"
  git -C "$work/$hash.git" config receive.certNonceSeed seed
  git -C "$work/$hash.git" config receive.advertisePushOptions true
  cat > "$work/$hash.git/hooks/post-receive" << 'HOOK'
#!/bin/sh
[ "$GIT_PUSH_CERT_STATUS" = G ] || exit 1
git cat-file blob "$GIT_PUSH_CERT" > "$CERTIFICATE"
echo "$GIT_PUSH_CERT" > "$CERTIFICATE.id"
HOOK
  chmod +x "$work/$hash.git/hooks/post-receive"
  for key in $keys; do
    use_key "$key"
    rm -f "$CAPTURE" "$work/cert" "$work/cert.id"
    CERTIFICATE="$work/cert" git push -q --signed -o "reviewer=$key" "../$hash.git" \
      "HEAD:refs/heads/$key" "HEAD~1:refs/heads/$key-before" 2> "$work/verdict"
    [ -s "$work/cert" ] || { cat "$work/verdict" >&2; exit 1; }
    file="$hash-$key.push-certificate"
    cp "$work/cert" "$git_out/$file"
    record "$file" push-certificate "$hash" "$(cat "$work/cert.id")" ssh "$key" "$(digest < "$CAPTURE")"
  done
done
{ printf '[\n'; cat "$git_out/.rows"; printf '\n]\n'; } > "$git_out/index.json"
rm "$git_out/.rows"

# --- SSH signatures over files ------------------------------------------------------------
cd "$ssh_out"
printf 'A message\0with a NUL, \377 and no line feed at the end' > message
comma=
printf '[' > index.json
for key in $keys; do
  for algorithm in sha256 sha512; do
    for namespace in file dsse@countersign; do
      name="$key-$algorithm-${namespace%@*}"
      ssh-keygen -q -Y sign -O "hashalg=$algorithm" -n "$namespace" -f "$work/keys/$key" < message > "$name.sig" 2> /dev/null
      ssh-keygen -q -Y verify -f "$work/allowed" -I signer -n "$namespace" -s "$name.sig" < message
      fingerprint=$(ssh-keygen -l -E sha256 -f "$key.pub" | cut -d' ' -f2)
      spki=$(ssh-keygen -e -m PKCS8 -f "$key.pub" 2> /dev/null | sed '/^-----/d' | tr -d '\n')
      printf '%s\n  {"file": "%s.sig", "key": "%s.pub", "namespace": "%s", "hash": "%s", "fingerprint": "%s", "spki": "%s"}' \
        "$comma" "$name" "$key" "$namespace" "$algorithm" "$fingerprint" "$spki" >> index.json
      comma=,
    done
  done
done
printf '\n]\n' >> index.json

versions="$(git --version), $(ssh -V 2>&1 | cut -d, -f1), $(gpg --version | head -n 1)"
cat > "$git_out/README.md" << END
# Git objects

Made by \`../make-git.sh\` with $versions.
Each file is a raw object as \`git cat-file\` prints it, or a push certificate as the receiving
repository stored it. In \`index.json\`: \`hash\` names the repository's object format, \`id\` is the
object id git gave, \`kind\` and \`key\` say what signed it, and \`payload\` is the SHA-256 of the bytes
that git itself handed to the verifying program, which answered that the signature is good.
END
cat > "$ssh_out/README.md" << END
# SSH signatures over a file

Made by \`../make-git.sh\` with $versions.
Every \`.sig\` is what \`ssh-keygen -Y sign\` wrote for \`message\`; \`ssh-keygen -Y verify\` accepted it.
In \`index.json\`: \`fingerprint\` is what \`ssh-keygen -l\` prints, \`spki\` the base64 of the key as
\`ssh-keygen -e -m PKCS8\` exports it (empty where this version cannot).
END
