/** What a monitor catches of the lies, one round after each; an honest log leaves it silent. */
import { expect, test } from "vitest";
import { CATCHES, expectCaught } from "./caught.ts";
import { monitor, Rig } from "./rig.ts";

test("where nobody lies there is no alert", async () => {
  const rig = await Rig.open();
  await monitor(rig);
  expect(await monitor(rig)).toMatchObject({ status: 0, stderr: "" });
  await rig.close();
});

const watched = CATCHES.filter(({ by }) => by === "monitor");
test.each(watched.map((one) => [one.lie.name, one] as const))("%s", async (_, one) =>
  expectCaught(one),
);
