/**
 * Key and chain of the timestamp authority as files: made once, and opened at each start.
 *
 * The key is written first and the chain after it: whatever was cut off between the two is ended
 * by running the same command again. Nothing that is there is written over, and a chain without
 * its key is refused, because a new key would leave clients with a chain that verifies nothing.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Crypto } from "../../client/crypto/crypto.ts";
import { generateKey, generateKeyFile } from "../../client/keys/key-file.ts";
import { privateKeySigner } from "../../client/keys/private-key.ts";
import type { Signer } from "../../client/keys/signer.ts";
import { utf8 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { replaceFile } from "../durable-file.ts";
import { makeChain } from "./certificates.ts";
import { type Chain, formatChain, mustBeKeyOf, parseChain, readChain } from "./chain.ts";
import { serialNumber } from "./serial.ts";

/** What signs time stamps. */
export interface StampingKey {
  readonly signer: Signer;
  readonly chain: Chain;
}

export interface TimestampPlaces {
  readonly timestampKey: string;
  readonly timestampChain: string;
}

/** For whom, and from when on. */
export interface NewAuthority {
  readonly crypto: Pick<Crypto, "sha256">;
  readonly origin: string;
  /** Seconds since 1970. */
  readonly from: number;
}

/** Opens the key file that exists: with a passphrase where there is one. */
export type OpenKey = (path: string) => Promise<Signer>;

/** Makes what is missing. @throws LogError CONFIG_INVALID, KEY_MISMATCH, FILE_UNREADABLE */
export async function makeTimestampFiles(
  places: TimestampPlaces,
  authority: NewAuthority,
  open: OpenKey,
  passphrase: string | undefined,
): Promise<StampingKey> {
  const { timestampKey, timestampChain } = places;
  if (existsSync(timestampChain)) return openStampingKey(places, open);
  mkdirSync(dirname(timestampKey), { recursive: true, mode: 0o700 });
  mkdirSync(dirname(timestampChain), { recursive: true, mode: 0o700 });
  const signer = existsSync(timestampKey)
    ? await open(timestampKey)
    : await generateKeyFile(timestampKey, "p256", passphrase);
  const pem = await newChain(authority, signer);
  replaceFile(timestampChain, utf8(pem));
  return { signer, chain: parseChain(timestampChain, pem) };
}

/** @throws LogError CONFIG_INVALID, KEY_MISMATCH, FILE_UNREADABLE, SIGNER_FAILED */
export async function openStampingKey(
  places: TimestampPlaces,
  open: OpenKey,
): Promise<StampingKey> {
  const { timestampKey, timestampChain } = places;
  for (const [field, path] of [
    ["timestamp.key", timestampKey],
    ["timestamp.chain", timestampChain],
  ] as const)
    if (!existsSync(path))
      throw new LogError("CONFIG_INVALID", `There is no file ${path} (${field}).`, {
        field,
        hint:
          "`countersign timestamp init` makes key and chain where both are missing; " +
          'timestamp.authority = "off" serves the log without them',
      });
  const chain = readChain(timestampChain);
  const signer = await open(timestampKey);
  mustBeKeyOf(chain, signer);
  return { signer, chain };
}

/** For a log that ends with the process. */
export async function stampingKeyInMemory(authority: NewAuthority): Promise<StampingKey> {
  const signer = privateKeySigner(await generateKey("p256"), "memory");
  return { signer, chain: parseChain("in memory", await newChain(authority, signer)) };
}

async function newChain({ crypto, origin, from }: NewAuthority, leaf: Signer): Promise<string> {
  const root = privateKeySigner(await generateKey("p256"), "the root of time stamps");
  const serial = (): ArrayBuffer => serialNumber(randomBytes);
  return formatChain(await makeChain({ crypto, serial }, { origin, leaf, root, from }));
}
