/**
 * The thread that writes the head guard: its fsyncs wait neither for HTTP nor, in a shared pool,
 * for signature checks.
 *
 * @module
 */
import { answerRequests, type Handled } from "../thread.ts";
import { GuardDisk } from "./guard-disk.ts";
import type { GuardAnswer, GuardRequest } from "./guard-file.ts";

let disk: GuardDisk | undefined;

function opened(): GuardDisk {
  if (disk === undefined) throw new Error("the head guard is not open");
  return disk;
}

function handle(request: GuardRequest): Handled<GuardAnswer> {
  switch (request.call) {
    case "open":
      disk = new GuardDisk(request.path);
      return { answer: undefined };
    case "read":
      return { answer: opened().read() };
    case "create":
      opened().create(request.head);
      return { answer: undefined };
    case "stage":
      opened().stage();
      return { answer: undefined };
    case "write":
      opened().write(request.head);
      return { answer: undefined };
    case "close":
      opened().close();
      disk = undefined;
      return { answer: undefined };
  }
}

answerRequests(handle);
