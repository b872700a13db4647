import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, equal, fromUtf8, latin1, toHex, utf8 } from "../../../schema/bytes.ts";
import { dearmor, parseSshsig } from "../../../schema/entry/sshsig.ts";
import { unwrap } from "../../../schema/error.ts";
import {
  type GitHashAlgorithm,
  type GitObject,
  gitLeafField,
  gitObjectId,
  gitTypeOf,
  parseGitContent,
  parseGitObject,
  rebuildGitObject,
  signatureKind,
} from "../../../schema/git/object.ts";
import { describeRealData, jsonOf, vector, vectorJson } from "../../data.ts";
import { flipped, gitHash, hex, sha256 } from "../support.ts";

interface Row {
  readonly file: string;
  readonly type: string;
  readonly hash: GitHashAlgorithm;
  readonly id: string;
  readonly kind: string;
  readonly key: string;
  readonly payload: string;
}

const rows = vectorJson<Row[]>("git/index.json");
const signedRows = rows.filter((row) => row.kind !== "none");
const parse = (raw: Uint8Array): GitObject => unwrap(parseGitObject(raw));

/** G1 for one object: taken apart and put together, byte for byte. */
function rebuilt(raw: Uint8Array): Uint8Array {
  const { payload, signature } = parse(raw);
  return signature ? unwrap(rebuildGitObject(payload, gitLeafField(signature))) : payload;
}

describe("objects that git made", () => {
  test("there are commits, tags and push certificates of both hashes and every key", () => {
    const kinds = new Set(rows.map((row) => `${row.hash} ${row.type} ${row.kind} ${row.key}`));
    for (const hash of ["sha1", "sha256"])
      for (const type of ["commit", "tag", "push-certificate"])
        for (const key of ["ed25519", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-3072"])
          expect(kinds).toContain(`${hash} ${type} ssh ${key}`);
  });

  test.each(rows)("G1 $file comes apart and together again, with git's id", (row) => {
    const raw = vector(`git/${row.file}`);
    const object = parse(raw);
    expect(object).toMatchObject({ type: row.type, hashAlgorithm: row.hash });
    expect(gitObjectId(gitHash, object, raw)).toBe(row.id);
    expect(object.signature?.kind ?? "none").toBe(row.kind);
    expect(rebuilt(raw)).toEqual(raw);
  });

  test.each(signedRows)("$file: the payload is what git gave its verifier", (row) => {
    const { payload } = parse(vector(`git/${row.file}`));
    expect(createHash("sha256").update(payload).digest("hex")).toBe(row.payload);
  });

  test.each(signedRows.filter((row) => row.kind === "ssh"))(
    "$file: the armor holds an SSHSIG by its key in namespace git",
    (row) => {
      const { signature } = parse(vector(`git/${row.file}`));
      const sshsig = unwrap(parseSshsig(unwrap(dearmor(signature?.armored ?? new Uint8Array(0)))));
      const line = fromUtf8(vector(`sshsig/${row.key}.pub`)) ?? "";
      expect(sshsig.namespace).toBe("git");
      expect(line).toContain(Buffer.from(sshsig.publicKey.wire).toString("base64"));
    },
  );

  test.each(["sha1", "sha256"])("a %s commit's header has the name git gives it", (hash) => {
    const { signature } = parse(vector(`git/${hash}-ed25519.commit`));
    expect(signature?.header).toBe(hash === "sha1" ? "gpgsig" : "gpgsig-sha256");
  });

  test("a merge's mergetag is no signature of the merge", () => {
    const object = parse(vector("git/sha1-mergetag.commit"));
    expect(object.signature?.kind).toBe("ssh");
    if (object.type !== "commit") throw new Error("a commit was read");
    expect(object.parents).toHaveLength(2);
    const mergetag = object.headers.find(({ name }) => name === "mergetag");
    expect(latin1(mergetag?.value ?? new Uint8Array(0))).toMatch(
      /^object [0-9a-f]{40}\n[^]*\n-----BEGIN PGP SIGNATURE-----\n\n[^]*-----END PGP SIGNATURE-----$/,
    );
  });

  test("a tag that quotes an armor is signed by the last one", () => {
    const object = parse(vector("git/sha1-quoted-armor.tag"));
    expect(latin1(object.payload)).toContain("-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n");
    expect(latin1(object.payload)).toMatch(/and goes on\.\n$/);
    expect(unwrap(parseGitContent(object.payload)).type).toBe("tag");
  });

  test("an empty message, another encoding and CR line ends are kept", () => {
    const message = (name: string): string => {
      const object = parse(vector(`git/sha1-${name}.commit`));
      return object.type === "commit" ? latin1(object.message) : "";
    };
    expect(message("empty-message")).toBe("");
    expect(message("encoding")).toBe("Gr\u00fc\u00dfe\n");
    expect(message("carriage-return")).toBe("line\r\nline\r\n");
    expect(message("no-final-newline")).toBe("no line feed at the end");
  });
});

const TREE = "a".repeat(40);
const ARMOR = "-----BEGIN SSH SIGNATURE-----\n U1NIU0lH\n -----END SSH SIGNATURE-----\n";
const COMMIT = `tree ${TREE}\nauthor A <a> 1 +0000\ncommitter B <b> 2 +0000\n`;
const TAG = `object ${TREE}\ntype commit\ntag v1\n`;

describe("odd objects", () => {
  test.each([
    ["no signature", `${COMMIT}\nmessage\n`, undefined],
    ["no message and no empty line", `${COMMIT}`, undefined],
    ["nothing behind the empty line", `${COMMIT}gpgsig ${ARMOR}\n`, "ssh"],
    ["the signature is the end", `${COMMIT}gpgsig ${ARMOR}`, "ssh"],
    ["the signature has no line feed", `${COMMIT}gpgsig ${ARMOR.trimEnd()}`, "ssh"],
    ["a signature of nothing", `${COMMIT}gpgsig \n\nm`, "unknown"],
    ["a header behind the signature", `${COMMIT}gpgsig ${ARMOR}encoding x\n\nm`, "ssh"],
    ["a NUL in the message", `${COMMIT}gpgsig ${ARMOR}\na\0b`, "ssh"],
    ["CR in the message", `${COMMIT}gpgsig ${ARMOR}\na\r\nb\r\n`, "ssh"],
    ["CR in the signature", `${COMMIT}gpgsig ${ARMOR.replaceAll("\n", "\r\n")}\nm`, "ssh"],
    ["a signature quoted in the message", `${COMMIT}\ngpgsig ${ARMOR}\n`, undefined],
    ["a signature folded into a header", `${COMMIT}x y\n gpgsig ${ARMOR}\nm`, undefined],
    ["a header that begins alike", `${COMMIT}gpgsigx ${ARMOR}\nm`, undefined],
    ["the header of the other hash", `${COMMIT}gpgsig-sha256 ${ARMOR}\nm`, undefined],
    ["the name without its space", `${COMMIT}gpgsig\n ${ARMOR}\nm`, undefined],
    ["CMS", `${COMMIT}gpgsig -----BEGIN SIGNED MESSAGE-----\n MII\n\nm`, "cms"],
    ["OpenPGP", `${COMMIT}gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n\nm`, "openpgp"],
    ["an unknown armor", `${COMMIT}gpgsig -----BEGIN X-----\n\nm`, "unknown"],
    ["a tag of old, without tagger and message", TAG, undefined],
    ["a tag without a message, signed", `${TAG}\n${ARMOR.replaceAll("\n ", "\n")}`, "ssh"],
    ["a tag whose armor is not at a line's start", `${TAG}\nm ${ARMOR}`, undefined],
    ["a tag with text behind its armor", `${TAG}\nm\n${ARMOR}and more`, "ssh"],
    ["a tag signed inside its headers", `${TAG}${ARMOR}`, "ssh"],
  ])("G1 %s", (_name, text, kind) => {
    for (const raw of [utf8(text), concat(utf8(text), hex("fffe"))]) {
      expect(parse(raw).signature?.kind).toBe(kind);
      expect(rebuilt(raw)).toEqual(raw);
    }
  });

  test("of two signature headers the first is the signature; the other stays where it was", () => {
    const raw = utf8(`${COMMIT}gpgsig ${ARMOR}gpgsig-sha256 ${ARMOR}gpgsig other\n\nm`);
    const { payload, signature } = parse(raw);
    expect(latin1(payload)).toBe(`${COMMIT}gpgsig-sha256 ${ARMOR}gpgsig other\n\nm`);
    expect(signature).toMatchObject({ header: "gpgsig", at: COMMIT.length });
    expect(rebuilt(raw)).toEqual(raw);
    const reversed = utf8(`${COMMIT}gpgsig-sha256 ${ARMOR}gpgsig ${ARMOR}\nm`);
    expect(latin1(parse(reversed).payload)).toBe(`${COMMIT}gpgsig-sha256 ${ARMOR}\nm`);
    expect(rebuilt(reversed)).toEqual(reversed);
  });

  test("only the space that folds a line is taken out of the armor", () => {
    const { signature } = parse(utf8(`${COMMIT}gpgsig a\n  b\n \n c\n\nm`));
    expect(latin1(signature?.armored ?? new Uint8Array(0))).toBe("a\n b\n\nc\n");
  });

  test("the offset and the value are those of the object", () => {
    const raw = vector("git/sha256-ecdsa-p384.commit");
    const { signature } = parse(raw);
    if (signature === undefined) throw new Error("it is signed");
    const { at, value, header } = gitLeafField(signature);
    expect(raw.subarray(at, at + value.length)).toEqual(value);
    expect(latin1(value)).toMatch(new RegExp(`^${header} -----BEGIN [^]*-----\n$`));
  });

  test.each([
    "",
    "tree",
    "blob",
    `parent ${TREE}\n`,
    "Tree x\n",
    "certificate",
    " tree x",
    "\ntree x",
  ])("%j is no git object", (text) => {
    expect(gitTypeOf(utf8(text))).toBeUndefined();
    expect(parseGitObject(utf8(text))).toMatchObject({ code: "KIND_UNSUPPORTED" });
  });

  test("kinds are told by the armor's first line", () => {
    expect(signatureKind(utf8("-----BEGIN PGP MESSAGE-----\n"))).toBe("openpgp");
    expect(signatureKind(utf8("----BEGIN PGP MESSAGE-----\n"))).toBe("unknown");
    expect(signatureKind(new Uint8Array(0))).toBe("unknown");
  });
});

describe("putting together what a stranger sent", () => {
  const raw = vector("git/sha1-ed25519.commit");
  const { payload, signature } = parse(raw);
  const field = {
    header: signature?.header ?? "",
    at: signature?.at ?? 0,
    value: signature?.value ?? payload,
  };
  const text = latin1(payload);
  const messageAt = text.indexOf("\n\n") + 2;

  test.each([
    ["negative", -1],
    ["fractional", 0.5],
    ["not a number", Number.NaN],
    ["beyond the end", 1e9],
  ])("G1 an offset that is %s is refused", (_name, at) => {
    expect(rebuildGitObject(payload, { ...field, at })).toMatchObject({
      code: "FIELD_INVALID",
      detail: { field: "git.at" },
    });
  });

  test.each([
    ["in the message", { at: messageAt }],
    ["in the middle of a line", { at: 10 }],
    ["under another name", { header: "gpgsig-sha256" }],
    ["under no name", { header: "" }],
    ["with more headers in it", { value: concat(field.value, utf8("encoding x\n")) }],
    ["without its last line feed", { value: field.value.subarray(0, -1) }],
    ["that is empty", { value: new Uint8Array(0) }],
  ])("G1 a signature %s is refused", (_name, change) => {
    expect(rebuildGitObject(payload, { ...field, ...change }).ok).toBe(false);
  });

  test("G1 a signature put behind another one is refused: the other would be found first", () => {
    const twice = rebuildGitObject(raw, { ...field, at: field.at + field.value.length });
    expect(twice).toMatchObject({ code: "FIELD_INVALID", detail: { field: "git" } });
    expect(rebuildGitObject(raw, field).ok).toBe(true);
  });

  test("G1 a tag's signature goes to the end and nowhere else", () => {
    const tag = parse(vector("git/sha1-ed25519.tag"));
    const value = tag.signature?.value ?? new Uint8Array(0);
    expect(rebuildGitObject(tag.payload, { header: "", at: tag.payload.length, value }).ok).toBe(
      true,
    );
    expect(rebuildGitObject(tag.payload, { header: "", at: 0, value }).ok).toBe(false);
    const early = tag.payload.length - 3;
    expect(rebuildGitObject(tag.payload, { header: "", at: early, value }).ok).toBe(false);
  });

  test("G1 holds for any bytes that come apart, and nothing throws", () => {
    const objects = rows.map((row) => vector(`git/${row.file}`));
    const pieces = [
      COMMIT,
      TAG,
      ARMOR,
      "gpgsig ",
      "gpgsig-sha256 ",
      "\n",
      "\n\n",
      " ",
      "\0",
      "-----BEGIN PGP SIGNATURE-----\n",
    ];
    const piece = fc.oneof(fc.constantFrom(...pieces).map(utf8), fc.uint8Array({ maxLength: 8 }));
    const mutated = fc
      .tuple(
        fc.constantFrom(...objects),
        fc.array(fc.tuple(fc.nat(), piece, fc.nat(12)), { maxLength: 3 }),
      )
      .map(([object, edits]) =>
        edits.reduce<Uint8Array>((bytes, [seed, insert, drop]) => {
          const at = seed % (bytes.length + 1);
          return concat(bytes.subarray(0, at), insert, bytes.subarray(at + drop));
        }, object),
      );
    const built = fc.array(piece, { maxLength: 8 }).map((parts) => concat(...parts));
    let apart = 0;
    fc.assert(
      fc.property(fc.oneof(mutated, built), fc.nat(400), (bytes, at) => {
        const result = parseGitObject(bytes);
        if (!result.ok) return;
        apart++;
        const { payload: signed, signature: found } = result.value;
        if (found === undefined) expect(signed).toEqual(bytes);
        else {
          expect(unwrap(rebuildGitObject(signed, found))).toEqual(bytes);
          const moved = rebuildGitObject(signed, { ...found, at });
          if (moved.ok) expect(parse(moved.value).signature?.at).toBe(at);
        }
      }),
      { numRuns: 4000 },
    );
    expect(apart).toBeGreaterThan(500);
  });

  test("a mebibyte of hostile lines is taken apart in one pass", () => {
    for (const text of [
      `${COMMIT}x\n${" \n".repeat(400_000)}`,
      `${TAG}\n${"-\n".repeat(400_000)}`,
      `${TAG}\n${"-----BEGIN PGP MESSAGE-----\n".repeat(35_000)}`,
      `tree ${TREE}\nauthor ${" ".repeat(900_000)}\ncommitter \n\n`,
    ])
      expect(parseGitObject(utf8(text)).ok).toBe(true);
    expect(parseGitObject(utf8(COMMIT + "x\n".repeat(400_000)))).toMatchObject({
      code: "TOO_LARGE",
    });
  });
});

describeRealData("git-commits", (read) => {
  interface RealRow {
    readonly file: string;
    readonly type: string;
    readonly commit: string;
  }
  const index = jsonOf<RealRow[]>(read("index.json"));
  const KINDS: Record<string, string> = { pgp: "openpgp", cms: "cms" };

  test("G1 all 75 commits come apart and together again, with their ids", () => {
    expect(index).toHaveLength(75);
    for (const row of index) {
      const raw = read(row.file);
      const object = parse(raw);
      expect(gitObjectId(gitHash, object, raw)).toBe(row.commit);
      expect(object.signature?.kind).toBe(KINDS[row.type] ?? "ssh");
      expect(equal(rebuilt(raw), raw)).toBe(true);
    }
  });

  test("the SSH signatures are read, or unsupported by the name of their key", () => {
    const count = { read: 0, unsupported: 0 };
    for (const row of index.filter(({ type }) => type.startsWith("ssh:"))) {
      const armored = parse(read(row.file)).signature?.armored ?? new Uint8Array(0);
      const sshsig = parseSshsig(unwrap(dearmor(armored)));
      const algorithm = row.type.slice("ssh:".length);
      if (sshsig.ok) {
        count.read++;
        expect(sshsig.value.publicKey.algorithm).toBe(algorithm);
      } else {
        count.unsupported++;
        expect(sshsig.code).toBe("KIND_UNSUPPORTED");
        expect(sshsig.message).toContain(algorithm);
      }
    }
    expect(count).toEqual({ read: 47, unsupported: 4 });
  });

  test("a changed byte of the payload changes the id", () => {
    for (const row of index.slice(0, 10)) {
      const raw = read(row.file);
      const changed = flipped(raw, raw.length - 1);
      expect(gitObjectId(gitHash, parse(raw), changed)).not.toBe(row.commit);
      expect(toHex(sha256(changed))).not.toBe(toHex(sha256(raw)));
    }
  });
});
