import { describe, expect, test } from "vitest";
import { askAhead } from "../../client/ahead.ts";

const following = (end: number) => (at: number) => (at + 1 < end ? at + 1 : undefined);

describe("requests that are made ahead", () => {
  test("bring their answers in order, each asked for before the one before it is taken", async () => {
    const asked: number[] = [];
    const answers = askAhead(0, async (at) => 10 * asked.push(at), following(4));
    const seen: string[] = [];
    for await (const { at, answer } of answers)
      seen.push(`${at}: ${answer}, ${asked.length} asked`);
    expect(seen).toEqual(["0: 10, 2 asked", "1: 20, 3 asked", "2: 30, 4 asked", "3: 40, 4 asked"]);
  });

  test("are none where there is nothing to ask for", async () => {
    const answers = askAhead<number, number>(
      undefined,
      () => expect.fail("asked"),
      () => undefined,
    );
    expect(await Array.fromAsync(answers)).toEqual([]);
  });

  test("fail in their turn: what came before is still taken", async () => {
    const seen: number[] = [];
    const ask = async (at: number): Promise<number> => {
      if (at === 2) throw new Error("no third");
      return at;
    };
    const take = async (): Promise<void> => {
      for await (const { at } of askAhead(0, ask, following(5))) seen.push(at);
    };
    await expect(take()).rejects.toThrow("no third");
    expect(seen).toEqual([0, 1]);
  });

  test("leave none open behind whoever stops early, and its failure is nobody's", async () => {
    const { promise, reject } = Promise.withResolvers<number>();
    const answers = askAhead(0, async (at) => (at === 0 ? 0 : promise), following(9));
    expect((await answers.next()).value).toEqual({ at: 0, answer: 0 });
    const order: string[] = [];
    const stopped = answers.return(undefined).then(() => order.push("stopped"));
    order.push("answered");
    reject(new Error("too late"));
    await stopped;
    expect(order).toEqual(["answered", "stopped"]);
  });
});
