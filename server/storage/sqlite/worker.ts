/**
 * The thread that writes the store.
 *
 * @module
 */
import { answerRequests, type Handled } from "../../thread.ts";
import { type Answer, plainError, plainResult, type Request } from "./protocol.ts";
import { SqliteWriter } from "./writer.ts";

let writer: SqliteWriter | undefined;

function opened(): SqliteWriter {
  if (writer === undefined) throw new Error("the store is not open");
  return writer;
}

function handle(request: Request): Handled<Answer> {
  switch (request.call) {
    case "open": {
      writer = SqliteWriter.open(request.folder);
      return { answer: { meta: writer.meta } };
    }
    case "head":
      return { answer: { head: opened().readHead() } };
    case "find": {
      const found = opened().findLeaves(request.hashes);
      return { answer: { found }, transfer: [found.buffer] };
    }
    case "commit": {
      const store = opened();
      const result = store.commit(request.batch);
      return { answer: { result: plainResult(result) }, after: () => store.afterCommit() };
    }
    case "erase": {
      const store = opened();
      const result = store.erase(request.erasures, request.upTo);
      return { answer: { result: plainResult(result) }, after: () => store.afterCommit() };
    }
    case "erased":
      return { answer: { erased: opened().erased() } };
    case "room": {
      const full = opened().checkRoom();
      return { answer: { room: full === undefined ? undefined : plainError(full) } };
    }
    case "free":
      return { answer: { free: opened().freeBytes() } };
    case "close": {
      opened().close();
      writer = undefined;
      return { answer: {} };
    }
  }
}

answerRequests(handle);
