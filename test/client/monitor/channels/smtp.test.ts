import { once } from "node:events";
import { createServer } from "node:net";
import type { SMTPServerOptions } from "smtp-server";
import { afterEach, describe, expect, test } from "vitest";
import type { Queue } from "../../../../client/monitor/channels/channel.ts";
import type { SmtpConfig } from "../../../../client/monitor/channels/config.ts";
import { smtpChannel } from "../../../../client/monitor/channels/smtp.ts";
import { alertNumber, HOSTILE } from "../alerts.ts";
import { type Mail, type MailServer, mailServer } from "./mail-server.ts";
import { ownCertificate } from "./tls.ts";

const open: { close: () => void }[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function server(options: SMTPServerOptions = {}): Promise<MailServer> {
  const one = await mailServer(options);
  open.push(one);
  return one;
}

async function channel(
  { port, cert }: Pick<MailServer, "port" | "cert">,
  more: Partial<SmtpConfig> = {},
  ca: string = cert,
): Promise<Queue> {
  const config: SmtpConfig = {
    type: "smtp",
    name: "mail",
    least: "info",
    host: "127.0.0.1",
    port,
    tls: "starttls",
    from: "monitor@example.org",
    to: ["ada@example.org", "bob@example.org"],
    timeoutSeconds: 5,
    ...more,
  };
  return smtpChannel(config, { ca, password: "pass word" });
}

function decoded({ header, body }: Mail): string {
  const encoding = /^Content-Transfer-Encoding: (\S+)/m.exec(header)?.[1];
  if (encoding === "base64") return Buffer.from(body, "base64").toString();
  if (encoding !== "quoted-printable") return body;
  const bytes = body
    .replaceAll("=\r\n", "")
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString();
}

describe("alerts by mail", () => {
  test("arrive several in one, over TLS and with a login, under one Message-ID however often they are sent", async () => {
    const remote = await server();
    const { mails } = remote;
    const login = { user: "monitor", passwordFile: "unused" };
    const mail = await channel(remote, { login });
    const alerts = [
      alertNumber(1),
      alertNumber(2, { kind: "not-signed-by-us", evidence: "f.json" }),
    ];
    await mail.send(alerts);
    await mail.send(alerts);
    expect(mails).toHaveLength(2);
    expect(mails[0]).toMatchObject({
      to: ["ada@example.org", "bob@example.org"],
      secure: true,
      user: "monitor",
    });
    const [first, again] = mails.map(({ header }) => /^Message-ID:\s+(<.*>)/im.exec(header)?.[1]);
    expect(first).toMatch(/^<[0-9a-f]{64}@example.org>$/);
    expect(again).toBe(first);
    const [{ header } = { header: "" }] = mails;
    expect(header).toContain(
      "Subject: [countersign] critical: 2 alerts (statement, not-signed-by-us)",
    );
    expect(header).toContain("Auto-Submitted: auto-generated");
    const text = mails.map(decoded).join("");
    expect(text).toContain("critical: not-signed-by-us in log.example");
    expect(text).toContain("evidence: f.json");
    expect(text).toContain(`id: ${alertNumber(1).id}`);
  });

  test("have no header of a stranger, whatever his texts hold", async () => {
    const remote = await server();
    const { mails } = remote;
    const mail = await channel(remote);
    const alert = alertNumber(1);
    // Not as alerts are made, where such texts are made printable: as if that had been forgotten.
    await mail.send([{ ...alert, subject: HOSTILE, message: HOSTILE, seen: { key: HOSTILE } }]);
    const [{ header, to } = { header: "", to: [] }] = mails;
    const names = header.split("\r\n").filter((line) => !/^\s/.test(line));
    expect(names.map((line) => line.split(":")[0] ?? "").toSorted()).toEqual([
      "Auto-Submitted",
      "Content-Transfer-Encoding",
      "Content-Type",
      "Date",
      "From",
      "MIME-Version",
      "Message-ID",
      "Subject",
      "To",
    ]);
    expect(header).not.toContain("everybody");
    expect(to).toHaveLength(2);
  });

  test("leave over no line that can be read, and to no server that cannot show who it is", async () => {
    const plain = await server({ disabledCommands: ["STARTTLS"] });
    await expect((await channel(plain)).send([alertNumber(1)])).rejects.toThrow(/STARTTLS/);
    const other = await server();
    const stranger = await channel(other, {}, ownCertificate().cert);
    await expect(stranger.send([alertNumber(1)])).rejects.toThrow(/certificate/);
    expect([...plain.mails, ...other.mails]).toEqual([]);
    const local = await channel(plain, { tls: "none" });
    await local.send([alertNumber(1)]);
    expect(plain.mails).toHaveLength(1);
  });

  test("are not confirmed where one of the receivers is refused", async () => {
    const remote = await server({
      onRcptTo: ({ address }, _session, done) =>
        done(address.startsWith("bob") ? new Error("no bob here") : null),
    });
    await expect((await channel(remote)).send([alertNumber(1)])).rejects.toThrow(
      /takes no mail for bob@example.org/,
    );
  });

  test("are refused for what they are only where the server says so of the mail itself", async () => {
    const late = Object.assign(new Error("too large"), { responseCode: 552 });
    const remote = await server({
      onData: (stream, _session, done) => {
        stream.resume();
        stream.on("end", () => done(late));
      },
    });
    await expect((await channel(remote)).send([alertNumber(1)])).rejects.toMatchObject({
      refused: true,
    });
    const closed = await server({ onMailFrom: (_address, _session, done) => done(late) });
    await expect((await channel(closed)).send([alertNumber(1)])).rejects.toMatchObject({
      refused: false,
    });
  });

  test("do not wait for a server that never comes to an end", async () => {
    const endless = createServer((socket) => {
      socket.on("error", () => {});
      const drip = setInterval(() => socket.write("220-a\r\n"), 50);
      socket.on("close", () => clearInterval(drip));
    });
    endless.listen(0, "127.0.0.1");
    await once(endless, "listening");
    open.push(endless);
    const address = endless.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const mail = await channel({ port, cert: "" }, { timeoutSeconds: 0.2 });
    await expect(mail.send([alertNumber(1)])).rejects.toThrow(`127.0.0.1:${port}`);
  });
});
