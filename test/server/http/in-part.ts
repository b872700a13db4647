/** Requests that a sender does not finish. */
import { nextTurn, until, watchingRequests } from "../../until.ts";
import { raw, type TestLog } from "./harness.ts";

/** Sends the beginning of a request and no more; resolves when the server has read all of that. */
export async function sendInPart(
  server: Pick<TestLog, "port">,
  bytes: string,
): Promise<{ readonly answer: Promise<string> }> {
  return watchingRequests(async (taken) => {
    const answer = raw(server, bytes);
    await until(() => (taken[0]?.req.socket.bytesRead ?? 0) >= bytes.length);
    await nextTurn();
    return { answer };
  });
}
