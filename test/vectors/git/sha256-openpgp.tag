object fca6ff646a409a26beb5a50ffb94a56492f92082c97cb17bd46b5f4462f0e394
type commit
tag v-side
tagger Ben Example <ben@example.org> 1700000060 -0330

Tag of the side
-----BEGIN PGP SIGNATURE-----

iIYEABYIAC4WIQTNapNvLbHaqp58xA88Tbj88DCI9wUCawLfHxAcYmVuQGV4YW1w
bGUub3JnAAoJEDxNuPzwMIj3y/kA/RvCphqQ9XQbdLEuiqkgHxJhMKvSZIYGHROJ
V8z071YTAPwJWK8Ngb9QekfuqN7Jv/Otdi/83i06cDwS6zxBCzVoCw==
=S8O+
-----END PGP SIGNATURE-----
