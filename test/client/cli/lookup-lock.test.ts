/** `lookup lock` against a log in which somebody spoke about one of the packages. */
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { toHex } from "../../../schema/bytes.ts";
import { signerId } from "../../../schema/key/signer-id.ts";
import { type ServedIndex, serveIndex } from "../lookup/serve-index.ts";
import { TestIndex } from "../lookup/test-index.ts";
import { newSigner, statement, TestLog } from "../test-log.ts";
import { Workplace } from "./in-process.ts";

const ada = newSigner();
const digest = Buffer.alloc(64, 7);
const place = new Workplace();
let served: ServedIndex;

beforeAll(async () => {
  const main = new TestLog("log.test").fill(1);
  const subject = [
    { name: "pkg:npm/known@1.0.0", digest: { sha512: digest.toString("hex") } },
    { name: "pkg:npm/named@2.0.0", digest: { sha512: "00".repeat(64) } },
  ];
  main.submit(await statement(ada, "https://example.org/audit", subject, { ok: true }));
  main.submit(
    await statement(newSigner(), "https://example.org/other", subject.slice(1), { ok: true }),
  );
  served = await serveIndex(new TestIndex(main).grow());
  const id = toHex(signerId(nodeCrypto.sha256, ada.publicKey));
  writeFileSync(
    place.path("trust.toml"),
    [
      `trust = 1\n[[log]]\norigin = "log.test"\nvkeys = ["${main.vkey}"]\nurl = "${served.url}"`,
      `[[person]]\nname = "Ada"\nkeys = ["${id}"]\nroles = ["reviewer"]\n`,
    ].join("\n"),
  );
  const many = Object.fromEntries(
    Array.from({ length: 700 }, (_, i) => [
      `node_modules/unknown-${i}`,
      { version: "1.0.0", integrity: `sha512-${Buffer.alloc(64, i).toString("base64")}x` },
    ]),
  );
  writeFileSync(
    place.path("package-lock.json"),
    JSON.stringify({
      lockfileVersion: 3,
      packages: {
        "node_modules/known": {
          version: "1.0.0",
          integrity: `sha512-${digest.toString("base64")}`,
        },
        "node_modules/named": {
          version: "2.0.0",
          integrity: `sha512-${Buffer.alloc(64, 1).toString("base64")}`,
        },
        ...many,
      },
    }),
  );
});
afterAll(async () => {
  await served.close();
  place.remove();
});

test("lookup lock tells what is known of each package, by bytes and by name, and by whom", async () => {
  const { status, answer } = await place.asked(
    "lookup",
    "lock",
    "package-lock.json",
    "--known",
    "--trust",
    "trust.toml",
  );
  expect({ status, answer }).toMatchObject({
    status: 0,
    answer: {
      ok: true,
      complete: [{ size: 3, mapVerified: false }],
      packages: [
        { name: "known", pinned: true, byDigest: 1, byName: 1, n: 1, people: ["Ada"] },
        { name: "named", byDigest: 0, byName: 2, n: 2, people: ["Ada"] },
      ],
    },
  });
  expect(served.asked.filter((one) => one.startsWith("POST"))).toHaveLength(2);
});

test("lookup lock prints a table, up to which entry it is complete, and what nothing pins", async () => {
  const { status, stdout } = await place.countersign(
    "lookup",
    "lock",
    "package-lock.json",
    "--trust",
    "trust.toml",
  );
  expect(status).toBe(0);
  expect(stdout).toContain("702 packages; something is known of 2; 700 are pinned by no digest");
  expect(stdout).toContain("complete up to entry 2 of log.test");
  expect(stdout).toMatch(/known +1\.0\.0 +1 +1 +Ada/);
  expect(stdout).toMatch(/unknown-5 +1\.0\.0 +- +0/);
});

test("lookup lock of another file is not understood, and of a lying log is refused", async () => {
  writeFileSync(place.path("other.json"), "{}");
  const other = await place.countersign("lookup", "lock", "other.json", "--trust", "trust.toml");
  expect(other.status).toBe(2);
  expect(other.stderr).toContain("other.json: This is no lock file that is understood.");
  served.lie = (honest) => ({ ...honest, answers: honest.answers.slice(1) });
  const lied = await place.countersign(
    "lookup",
    "lock",
    "package-lock.json",
    "--trust",
    "trust.toml",
  );
  expect(lied.status).toBe(3);
  expect(lied.stdout).toContain("REFUSED: the answer is not about what was asked");
});
