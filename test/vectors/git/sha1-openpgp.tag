object f476848275296bfc7c7c02526731ad98d3472794
type commit
tag v-side
tagger Ben Example <ben@example.org> 1700000060 -0330

Tag of the side
-----BEGIN PGP SIGNATURE-----

iIYEABYIAC4WIQTNapNvLbHaqp58xA88Tbj88DCI9wUCawLfHhAcYmVuQGV4YW1w
bGUub3JnAAoJEDxNuPzwMIj37/QBAPTKGszgovQgqD1Gqb5ozeJN5NwYCVvy8aVG
Tzb/W9zfAP9/cWFj3dO1kdbyQhiPx/jUApXuM5N7pVD9WDw1napmAg==
=Uyou
-----END PGP SIGNATURE-----
