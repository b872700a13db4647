object 18616996cbf10ae95e7a3571c9668b1afb90ab5d682bc631499f9b42be7ab684
type commit
tag v-unsigned
tagger Ben Example <ben@example.org> 1700000060 -0330

Nobody signed this
