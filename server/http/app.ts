/**
 * Which request goes where.
 *
 * Express routes everything; the hottest resources (tiles, checkpoint, one submission)
 * are recognised before it, by the same handlers, because a router costs more than a tile.
 *
 * @module
 */
import { setMaxListeners } from "node:events";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { LogError } from "../../schema/error.ts";
import { POSTINGS_PREFIX, verifierPolicyPath } from "../../schema/http/lookup-request.ts";
import {
  BATCH_PATH,
  CHECKPOINT_PATH,
  CHECKPOINT_TYPE,
  ENTRIES_PATH,
  HEALTH_PATH,
  JSON_TYPE,
  OPENAPI_PATH,
  READY_PATH,
  REKOR_ENTRIES_PATH,
  SIGNING_CONFIG_PATH,
  TILE_PREFIXES,
  TIMESTAMP_PATH,
  TRUSTED_ROOT_PATH,
  WITNESS_POLICY_PATH,
} from "../../schema/http/paths.ts";
import { Answers } from "./answer.ts";
import { Batch } from "./batch.ts";
import { answerHealth, Readiness } from "./health.ts";
import { indexRoutes } from "./index-routes.ts";
import { openapiText } from "./openapi.ts";
import type { HttpPorts } from "./ports.ts";
import { isDefect, problemOf } from "./problem.ts";
import { ReadSide } from "./read.ts";
import { RekorSide, sendRekorError } from "./rekor.ts";
import { type Headers, hasBody, send, sendProblem } from "./respond.ts";
import type { Handler, Route } from "./route.ts";
import { answerTimestamp } from "./timestamp.ts";
import { WriteSide } from "./write.ts";

export interface App {
  readonly listener: RequestListener;
  /** Requests whose answer is not finished. */
  readonly inflight: () => number;
  readonly readiness: Readiness;
  /** From now on submissions are refused, batches stop reading, and connections are not kept. */
  readonly drain: () => void;
}

export function makeApp(ports: HttpPorts): App {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const readiness = new Readiness(ports.checks, ports.notes);
  const routes = makeRoutes(ports, readiness, stop.signal);
  const run = runner(ports);
  const app = makeExpress(routes, run);
  const hot = hotRoutes(routes);
  let inflight = 0;

  return {
    listener(req, res) {
      inflight++;
      res.once("close", () => inflight--);
      res.on("error", ignore);
      // A body that no route reads would be read on, however long, before the next request.
      if (stop.signal.aborted || (req.method !== "POST" && hasBody(req)))
        res.shouldKeepAlive = false;
      const url = req.url ?? "/";
      const mark = url.indexOf("?");
      const path = mark < 0 ? url : url.slice(0, mark);
      const route = hot(req.method ?? "", path);
      if (route === undefined) app(req, res);
      else run(route, req, res, path.slice(1), mark < 0 ? "" : url.slice(mark + 1));
    },
    inflight: () => inflight,
    readiness,
    drain: () => stop.abort(),
  };
}

function makeRoutes(ports: HttpPorts, readiness: Readiness, stop: AbortSignal): readonly Route[] {
  const answers = new Answers(ports.sha256, ports.log, ports.logId);
  const read = new ReadSide(ports.reader, () => ports.log.published(), ports.unread);
  const write = new WriteSide(ports, answers);
  const rekor = new RekorSide(ports, answers);
  const refuseWhenStopping = (): void => {
    if (stop.aborted)
      throw new LogError("STOPPING", "The log is shutting down; nothing was logged.", {
        hint: "submit it again when the log is back",
      });
  };
  const get = (name: string, path: string, handler: Handler): Route => ({
    name,
    method: "GET",
    path,
    handler,
  });
  return [
    {
      name: "submit",
      method: "POST",
      path: ENTRIES_PATH,
      handler: async (req, res) => {
        refuseWhenStopping();
        await write.submit(req, res);
      },
    },
    {
      name: "rekor",
      method: "POST",
      path: REKOR_ENTRIES_PATH,
      handler: async (req, res) => {
        refuseWhenStopping();
        await rekor.submit(req, res);
      },
      refuse: sendRekorError,
    },
    {
      name: "batch",
      method: "POST",
      path: BATCH_PATH.replace(":", "\\:"),
      handler: async (req, res) => {
        refuseWhenStopping();
        await new Batch(ports, req, res, stop).run();
      },
    },
    get("entry", `${ENTRIES_PATH}/:name`, (req, res, name) => write.lookUp(req, res, name)),
    ...TILE_PREFIXES.flatMap((prefix) => [
      get("checkpoint", `${prefix}${CHECKPOINT_PATH}`, (req, res) => read.checkpoint(req, res)),
      get("tile", `${prefix}/tile/*name`, (req, res, name, query) =>
        read.tile(req, res, name.slice(name.indexOf("tile/")), query),
      ),
    ]),
    get("content", "/content/sha256/:name", (req, res, name) => read.content(req, res, name)),
    get("index postings", `${POSTINGS_PREFIX}/:name`, (req, res, name) =>
      read.postings(req, res, name),
    ),
    get("key", "/key/sha256/:name", (req, res, name) => read.key(req, res, name)),
    get("openapi", OPENAPI_PATH, (req, res) =>
      send(req, res, 200, JSON_TYPE, openapiText(), PUBLIC_HOUR),
    ),
    ...documentRoutes(ports),
    ...timestampRoutes(ports),
    ...indexRoutes(ports),
    get("health", HEALTH_PATH, answerHealth),
    get("ready", READY_PATH, (req, res) => readiness.answer(req, res)),
  ];
}

/** What clients pin and configure themselves with. */
function documentRoutes({ documents, indexes }: HttpPorts): readonly Route[] {
  const document = (path: string, type: string, read: () => Uint8Array): Route => ({
    name: "document",
    method: "GET",
    path,
    handler: (req, res) => send(req, res, 200, type, read(), NO_CACHE),
  });
  return [
    document(TRUSTED_ROOT_PATH, JSON_TYPE, () => documents.trustedRoot),
    document(SIGNING_CONFIG_PATH, JSON_TYPE, () => documents.signingConfig),
    document(WITNESS_POLICY_PATH, CHECKPOINT_TYPE, documents.witnessPolicy),
    ...indexes.map(({ generation }) =>
      document(verifierPolicyPath(generation), CHECKPOINT_TYPE, () =>
        documents.verifierPolicy(generation),
      ),
    ),
  ];
}

function timestampRoutes(ports: HttpPorts): readonly Route[] {
  const { timestamps } = ports;
  if (timestamps === undefined) return [];
  const handler: Handler = (req, res) => answerTimestamp(ports, timestamps, req, res);
  return [{ name: "timestamp", method: "POST", path: TIMESTAMP_PATH, handler }];
}

const NO_CACHE: Headers = ["Cache-Control", "no-cache"];
const PUBLIC_HOUR: Headers = ["Cache-Control", "public, max-age=3600"];

/** The routes that skip Express, found by comparing strings. */
function hotRoutes(routes: readonly Route[]): (method: string, path: string) => Route | undefined {
  const named = (name: string): Route | undefined => routes.find((route) => route.name === name);
  const [submit, rekor] = [named("submit"), named("rekor")];
  const [tile, checkpoint] = [named("tile"), named("checkpoint")];
  const tilePrefixes = TILE_PREFIXES.map((prefix) => `${prefix}/tile/`);
  return (method, path) => {
    if (method === "POST" && path === ENTRIES_PATH) return submit;
    if (method === "POST") return path === REKOR_ENTRIES_PATH ? rekor : undefined;
    if (method !== "GET" && method !== "HEAD") return undefined;
    if (path === CHECKPOINT_PATH) return checkpoint;
    return tilePrefixes.some((prefix) => path.startsWith(prefix)) ? tile : undefined;
  };
}

type Run = (
  route: Route,
  req: IncomingMessage,
  res: ServerResponse,
  untrustedName: string,
  untrustedQuery: string,
) => void;

/** Call a handler; turn what it throws into a problem; count. */
function runner({ metrics, logger }: HttpPorts): Run {
  const refuse = (
    { refuse: answer = sendProblem }: Route,
    req: IncomingMessage,
    res: ServerResponse,
    error: unknown,
  ): void => {
    metrics.refused(problemOf(error).code);
    if (isDefect(error)) logger.error({ err: error, url: req.url }, "a request met a defect");
    if (res.headersSent) res.destroy();
    else answer(req, res, error);
  };
  return (route, req, res, name, query) => {
    const started = performance.now();
    const count = (): void =>
      metrics.request(route.name, res.statusCode, (performance.now() - started) / 1000);
    try {
      const pending = route.handler(req, res, name, query);
      if (pending === undefined) count();
      else
        pending.then(count, (error: unknown) => {
          refuse(route, req, res, error);
          count();
        });
    } catch (error) {
      refuse(route, req, res, error);
      count();
    }
  };
}

function makeExpress(routes: readonly Route[], run: Run): Express {
  const app = express();
  app.disable("x-powered-by").disable("etag");
  app.enable("case sensitive routing").enable("strict routing");
  for (const route of routes) {
    const handle = (req: Request, res: Response): void => {
      const name: unknown = req.params["name"];
      const query = req.url.indexOf("?");
      run(
        route,
        req,
        res,
        // A path of several segments comes as a list; its handler wants it as it was written.
        typeof name === "string" ? name : req.path.slice(1),
        query < 0 ? "" : req.url.slice(query + 1),
      );
    };
    if (route.method === "GET") app.get(route.path, handle);
    else app.post(route.path, handle);
  }
  for (const path of new Set(routes.map((route) => route.path)))
    app.all(path, (req, res) => {
      const here = routes.filter((route) => route.path === path);
      const allowed = here.map(({ method }) => method);
      const allow = allowed.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
      const message = `${req.path} does not take ${req.method}.`;
      const error = new LogError("METHOD_NOT_ALLOWED", message, { expected: allow.join(", ") });
      const refuse = here[0]?.refuse ?? sendProblem;
      refuse(req, res, error, ["Allow", allow.join(", ")]);
    });
  app.use((req, res) => {
    const hint = `the resources of this log are listed at ${OPENAPI_PATH}`;
    sendProblem(req, res, new LogError("NOT_FOUND", "There is no such resource.", { hint }));
  });
  // Express tells an error handler by its four parameters. What arrives here is a path that
  // it could not decode: handlers never throw into it.
  app.use((_error: unknown, req: Request, res: Response, _next: NextFunction) => {
    const message = "The path is not percent-encoded UTF-8.";
    sendProblem(req, res, new LogError("FIELD_INVALID", message, { field: "path" }));
  });
  return app;
}

function ignore(): void {}
