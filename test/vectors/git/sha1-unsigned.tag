object f14f4e0d18b9bc69ae788fcada8973fbc8d3563a
type commit
tag v-unsigned
tagger Ben Example <ben@example.org> 1700000060 -0330

Nobody signed this
