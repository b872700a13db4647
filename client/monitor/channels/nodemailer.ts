/**
 * The library that speaks SMTP, which this client does not depend on. It is a peer that somebody
 * installs who has alerts sent by mail; so it is imported here, late, and nowhere else.
 *
 * @module
 */
import type * as nodemailer from "nodemailer";
import { LogError } from "../../../schema/error.ts";

/** What is installed beside this package, and the version it was tried with. */
export const MAIL_PEERS: Readonly<Record<string, string>> = { nodemailer: "^10.6.1" };

/** Throws `USAGE` with the npm line where it is not installed. */
export async function mailPackage(): Promise<typeof nodemailer> {
  try {
    return await import("nodemailer");
  } catch (cause) {
    const isMissing =
      cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
    if (!isMissing || !cause.message.includes("'nodemailer'")) throw cause;
    throw new LogError("USAGE", "Alerts by mail need nodemailer, which is not installed", {
      field: "nodemailer",
      hint: `npm install nodemailer@${MAIL_PEERS["nodemailer"]}`,
      cause,
    });
  }
}
