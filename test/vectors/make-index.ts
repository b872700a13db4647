/**
 * Makes the vectors of the index: `node test/vectors/make-index.ts`.
 *
 * Everything follows from the vectors of leaves and from fixed rules, so the files come out the
 * same every time; a test compares them. What each file holds is in index/README.md.
 */
import { INDEX_V1 } from "../../schema/index/generation.ts";
import { mkdirSync, writeFileSync } from "node:fs";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { gitHashOf } from "../../client/git/hash.ts";
import { fromHex, latin1, toBase64, toHex, utf8 } from "../../schema/bytes.ts";
import { prepareSubmission } from "../../schema/entry/prepare.ts";
import { unwrap } from "../../schema/error.ts";
import { type MapPiece, mapPath } from "../../schema/http/map-paths.ts";
import { canonicalPurl, canonicalRepository } from "../../schema/index/canonical.ts";
import { encodeIndexLeaf } from "../../schema/index/index-leaf.ts";
import { claimValue, type KeyField, type KeyType, mapKey } from "../../schema/index/map-key.ts";
import { parseMapTile } from "../../schema/index/map-tile.ts";
import { proveKey } from "../../schema/index/map-proof.ts";
import { MapTree } from "../../schema/index/map-tree.ts";
import { MAPFN_V1, mapfn } from "../../schema/index/mapfn.ts";
import { encodePostings, type Posting, sortPostings } from "../../schema/index/posting.ts";
import { encodePruned } from "../../schema/index/shown-tree.ts";
import { type Listed, recordHash, summaryOf } from "../../schema/index/record.ts";
import { asHash, type Hash } from "../../schema/tlog/hash.ts";
import { mapPiece } from "../../server/index/map-pieces.ts";
import { SUBMISSIONS, vectorLog } from "./make-leaf.ts";

const { sha256 } = nodeCrypto;
const hashes = { sha256, git: gitHashOf(nodeCrypto) };
const digest = (text: string): Hash => sha256(utf8(text));

export const REPOSITORIES: readonly string[] = [
  "https://example.org/a/b.git",
  "HTTPS://Example.ORG:443/a/b/",
  "http://user@example.org:80//a//b.git",
  "ssh://git@example.org:22/a/b",
  "ssh://git@example.org:2222/a/b",
  "git://example.org/a/b.git/",
  "git@example.org:a/b.git",
  "git+https://example.org/a/b@refs/tags/v1",
  "git+ssh://git@example.org/a/b.git@v1?x=y#z",
  "https://example.org/a%2fb%7Ec.git",
  "https://[2001:DB8::1]:8443/a",
  "https://example.org",
  "/srv/git/a.git",
  "C:\\git\\a",
  "file:///srv/git/a.git",
  "urn:example:a",
  "",
];

export const PURLS: readonly string[] = [
  "pkg:npm/Name@1.0.0",
  "PKG:NPM/%40scope/Name@1.0.0",
  "pkg:pypi/Some_Package@2?b=2&a=1&empty=",
  "pkg:github/Owner/Repo@v1#./sub//dir/../x",
  "pkg:deb/Debian/curl@7.50.3-1?distro=jessie&Arch=i386",
  "pkg:maven/Org.Apache/Name@1",
  "pkg://npm//a",
  "pkg:generic/a@b@c",
  "pkg:npm/@scope/name",
  "not a purl",
];

function postingText({ key, claim }: Posting): string {
  return claim === undefined ? toHex(key) : `${toHex(key)} ${toHex(claim)}`;
}

function mapfnVectors(): object {
  const log = { origin: vectorLog.origin, vkeys: [vectorLog.vkey] };
  const entries = SUBMISSIONS.flatMap(([name, , submission]) =>
    unwrap(prepareSubmission(sha256, submission)).map(({ leafBytes, content }) => ({
      vector: name,
      leaf: latin1(leafBytes),
      postings: mapfn(hashes, log, leafBytes, content).map(postingText),
      opaque: mapfn(hashes, log, leafBytes, undefined).map(postingText),
    })),
  );
  return { mapfn: toHex(MAPFN_V1), ...log, entries };
}

function fieldText(field: KeyField): string {
  return typeof field === "string" ? field : `hex:${toHex(field)}`;
}

function encodings(): object {
  const keys: readonly (readonly [KeyType, readonly KeyField[]])[] = [
    ["leaf", [digest("leaf")]],
    ["opaque", []],
    ["subject", ["gitCommit", digest("commit").subarray(0, 20)]],
    ["ref-by", [digest("signer"), "https://example.org/a", "refs/tags/v1"]],
    ["output", ["sha256", digest("inputs"), "", "ä"]],
  ];
  const claims: readonly (readonly KeyField[])[] = [
    ["approve"],
    ["b", "a", "b"],
    [digest("x"), digest("y")],
  ];
  const lists: readonly (readonly Listed[])[] = [
    [],
    [{ index: 7 }],
    [{ index: 1, claim: digest("a") }, { index: 5, claim: digest("b") }, { index: 9, claim: digest("a") }],
    Array.from({ length: 20 }, (_, i) => ({ index: i * 3, claim: digest(`value ${i}`) })),
  ];
  const postings = sortPostings([{ key: digest("k1") }, { key: digest("k2"), claim: digest("c") }]);
  const leaf = {
    mapfn: MAPFN_V1,
    origin: "log.example.org",
    main: { size: 5, root: digest("main") },
    mapRoot: digest("map"),
    keys: 3,
    postings: 9,
    postingsRoot: digest("postings"),
  };
  return {
    keys: keys.map(([type, fields]) => ({
      origin: "log.example.org",
      type,
      fields: fields.map(fieldText),
      key: toHex(mapKey(sha256, "log.example.org", type, fields)),
    })),
    claims: claims.map((values) => ({
      values: values.map(fieldText),
      claim: toHex(claimValue(sha256, values)),
    })),
    records: lists.map((list) => {
      const summary = summaryOf(sha256, list);
      return {
        list: list.map(({ index, claim }) => (claim === undefined ? [index] : [index, toHex(claim)])),
        n: summary.n,
        last: summary.last,
        listRoot: toHex(summary.listRoot),
        values: summary.values.map(({ index, claim }) => [index, toHex(claim)]),
        saturated: summary.saturated,
        record: toHex(recordHash(sha256, summary)),
      };
    }),
    postings: { list: postings.map(postingText), bytes: toHex(encodePostings(postings)) },
    indexLeaf: latin1(encodeIndexLeaf(leaf)),
  };
}

function mapVector(): object {
  const tree = new MapTree(sha256);
  const entries = Array.from({ length: 12 }, (_, i) => [digest(`key ${i}`), digest(`value ${i}`)] as const);
  for (const [key, value] of entries) tree.set(key, value);
  const version = tree.seal();
  const absent = digest("absent");
  return {
    entries: entries.map(([key, value]) => [toHex(key), toHex(value)]),
    root: toHex(version.root),
    proofs: entries.map(([key]) => toHex(proveKey(tree, version.top, key))),
    absent: toHex(absent),
    absence: toHex(proveKey(tree, version.top, absent)),
    pruned: {
      keys: [entries[0]?.[0] ?? absent, absent].map(toHex),
      tree: toBase64(encodePruned(tree, version.top, [entries[0]?.[0] ?? absent, absent])),
    },
  };
}

/** A map of more keys than a page has: a tile of nodes, its pages, and a long list. */
function mapTiles(): object {
  const lists = Array.from({ length: 80 }, (_, n): readonly Listed[] =>
    Array.from({ length: n === 0 ? 40 : 1 + (n % 2) }, (_, i) => {
      return i % 2 === 0 ? { index: n + i } : { index: n + i, claim: digest(`value ${i}`) };
    }),
  );
  const tree = new MapTree(sha256);
  const byKey = new Map(lists.map((list, n) => [toHex(digest(`key ${n}`)), list]));
  for (const [n, list] of lists.entries())
    tree.set(digest(`key ${n}`), recordHash(sha256, summaryOf(sha256, list)));
  const { top, root } = tree.seal();
  const listOf = (key: Uint8Array): readonly Listed[] => byKey.get(toHex(key)) ?? [];
  const source = {
    rows: tree,
    versions: [{ top, size: 1_000 }],
    list: (key: Uint8Array, _: number, limit: number) => listOf(key).slice(0, limit),
    summary: (key: Uint8Array) => summaryOf(sha256, listOf(key)),
  };
  const pieces: Record<string, string> = {};
  const add = (piece: MapPiece): Uint8Array => {
    const bytes = mapPiece(source, piece);
    if (bytes === undefined) throw new Error("the map has this piece");
    pieces[mapPath(INDEX_V1, piece)] = toBase64(bytes);
    return bytes;
  };
  const walked = unwrap(parseMapTile(sha256, root, add({ root, turns: "" }))).tree;
  for (const key of byKey.keys()) {
    const place = walked.hiddenOn(hashFromHex(key));
    if (place === undefined) continue;
    const page = unwrap(parseMapTile(sha256, place.root, add(place)));
    walked.show(place, page.tree);
    const long = page.records.findIndex(({ record }) => record.kind === "summary");
    if (long >= 0) add({ ...place, place: long });
  }
  return {
    root: toHex(root),
    lists: lists.map((list, n) => ({
      key: toHex(digest(`key ${n}`)),
      list: list.map(({ index, claim }) => (claim === undefined ? [index] : [index, toHex(claim)])),
    })),
    pieces,
  };
}

function hashFromHex(hex: string): Hash {
  return asHash(fromHex(hex) ?? new Uint8Array(0)) ?? digest("");
}

/** Path below test/vectors → text, for each file. */
export function files(): Map<string, string> {
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  const pairs = (texts: readonly string[], canonical: (text: string) => string): object =>
    texts.map((text) => [text, canonical(text)]);
  return new Map([
    ["index/mapfn.json", json(mapfnVectors())],
    ["index/encodings.json", json(encodings())],
    ["index/map.json", json(mapVector())],
    ["index/map-tiles.json", json(mapTiles())],
    [
      "index/canonical.json",
      json({
        repositories: pairs(REPOSITORIES, canonicalRepository),
        purls: pairs(PURLS, canonicalPurl),
      }),
    ],
  ]);
}

if (import.meta.main) {
  mkdirSync(new URL("index/", import.meta.url), { recursive: true });
  for (const [path, content] of files()) writeFileSync(new URL(path, import.meta.url), content);
}
