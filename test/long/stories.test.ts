/**
 * The user stories of `test/stories/`, each with real programs in a folder of its own.
 */
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { runStory } from "../stories/run.ts";

const folder = join(import.meta.dirname, "..", "stories");
const stories = readdirSync(folder).filter((name) => name.endsWith(".txt"));

describe("user stories", () => {
  test("there are some", () => {
    expect(stories.length).toBeGreaterThan(5);
  });
  test.each(stories.map((name) => [basename(name, ".txt"), name]))("%s", async (_, name) => {
    await expect(runStory(join(folder, name ?? ""))).resolves.toBeUndefined();
  });
});
