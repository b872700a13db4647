/** A real SMTP server on this machine, with a certificate that nobody trusts who was not told to. */
import { once } from "node:events";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { ownCertificate } from "./tls.ts";

const { key, cert } = ownCertificate();

export interface Mail {
  readonly to: readonly string[];
  readonly header: string;
  readonly body: string;
  readonly secure: boolean;
  readonly user: string | undefined;
}

export interface MailServer {
  readonly port: number;
  readonly mails: Mail[];
  /** PEM, to be trusted. */
  readonly cert: string;
  readonly close: () => void;
}

/** A real SMTP server; what it refuses is up to the test. */
export async function mailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    key,
    cert,
    authOptional: true,
    onAuth: ({ username, password }, _session, done) =>
      password === "pass word" ? done(null, { user: username }) : done(new Error("no such user")),
    onData: (stream, session, done) => {
      let text = "";
      stream.on("data", (part: Buffer) => {
        text += part.toString("latin1");
      });
      stream.on("end", () => {
        const [header = "", ...body] = text.split("\r\n\r\n");
        mails.push({
          to: session.envelope.rcptTo.map(({ address }) => address),
          header,
          body: body.join("\r\n\r\n"),
          secure: session.secure,
          user: session.user === undefined ? undefined : String(session.user),
        });
        done();
      });
    },
    ...options,
  });
  server.on("error", () => {});
  const listening = server.listen(0, "127.0.0.1");
  await once(listening, "listening");
  const address = listening.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { port, mails, cert, close: () => server.close() };
}
