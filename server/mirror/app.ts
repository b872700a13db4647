/**
 * A mirror over HTTP: what it has, to any tlog-tiles client, with the headers of the log itself
 * (`http/read.ts`). It takes nothing in.
 *
 * @module
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { LogError } from "../../schema/error.ts";
import {
  CHECKPOINT_PATH,
  HEALTH_PATH,
  READY_PATH,
  TILE_PREFIXES,
} from "../../schema/http/paths.ts";
import { ByteBudget } from "../http/body.ts";
import { answerHealth } from "../http/health.ts";
import type { Check } from "../http/ports.ts";
import { isDefect, problemOf } from "../http/problem.ts";
import { type Readable, ReadSide } from "../http/read.ts";
import { hasBody, sendJson, sendProblem } from "../http/respond.ts";
import type { Logger } from "../observe/log.ts";
import type { PublishedHead } from "../sequencer/ports.ts";

/** Answers that wait for whoever asked to read them, all together. */
const UNREAD_BYTES = 67_108_864;

export interface MirrorAppPorts {
  readonly reader: Readable;
  readonly published: () => PublishedHead;
  readonly checks: () => readonly Check[];
  readonly answered: (status: number) => void;
  readonly logger: Logger;
}

export interface MirrorApp {
  readonly listener: RequestListener;
  readonly inflight: () => number;
  readonly drain: () => void;
}

export function makeMirrorApp(ports: MirrorAppPorts): MirrorApp {
  const read = new ReadSide(ports.reader, ports.published, new ByteBudget(UNREAD_BYTES));
  let inflight = 0;
  let draining = false;
  return {
    listener(req, res) {
      inflight++;
      res.once("close", () => {
        inflight--;
        ports.answered(res.statusCode);
      });
      res.on("error", ignore);
      if (draining || hasBody(req)) res.shouldKeepAlive = false;
      try {
        answer(ports, read, req, res);
      } catch (error) {
        if (isDefect(error) || problemOf(error).code === "STORE_CORRUPT")
          ports.logger.error({ err: error, url: req.url }, "a file of the mirror is damaged");
        sendProblem(req, res, error);
      }
    },
    inflight: () => inflight,
    drain: () => {
      draining = true;
    },
  };
}

function answer(
  { checks }: MirrorAppPorts,
  read: ReadSide,
  req: IncomingMessage,
  res: ServerResponse,
): void {
  if (req.method !== "GET" && req.method !== "HEAD")
    throw new LogError("METHOD_NOT_ALLOWED", "A mirror takes nothing in.", {
      expected: "GET, HEAD",
      hint: "submit to the log itself",
    });
  const [path = "/", query = ""] = (req.url ?? "/").split("?", 2);
  if (path === HEALTH_PATH) return answerHealth(req, res);
  if (path === READY_PATH) return answerReady(checks(), req, res);
  for (const prefix of TILE_PREFIXES) {
    if (path === `${prefix}${CHECKPOINT_PATH}`) return read.checkpoint(req, res);
    if (path.startsWith(`${prefix}/tile/`))
      return read.tile(req, res, path.slice(prefix.length + 1), query);
  }
  const named = /^\/(content|key)\/sha256\/([^/]+)$/.exec(path);
  const [, kind = "", name = ""] = named ?? [];
  if (kind === "content") return read.content(req, res, name);
  if (kind === "key") return read.key(req, res, name);
  const [, index] = /^\/index\/v1\/postings\/([^/]+)$/.exec(path) ?? [];
  if (index !== undefined) return read.postings(req, res, index);
  throw new LogError("NOT_FOUND", "There is no such resource.", {
    hint: "a mirror has /checkpoint, /tile/, /content/sha256/ and /key/sha256/",
  });
}

function answerReady(checks: readonly Check[], req: IncomingMessage, res: ServerResponse): void {
  const ready = checks.every(({ ok }) => ok);
  sendJson(req, res, ready ? 200 : 503, { ready, checks });
}

function ignore(): void {}
