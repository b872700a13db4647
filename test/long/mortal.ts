/** The planned death of a program that is to be killed at one call: `<call>:<n>:<before|after>`. */

export type Mortal = <T>(call: string, work: () => Promise<T>) => Promise<T>;

/** Without a plan nothing dies. */
export function mortalBy(plan: string): Mortal {
  const [planCall = "", count = "0", moment = ""] = plan.split(":");
  let planned = Number(count);
  return async (call, work) => {
    const dies = call === planCall && planned-- === 0;
    if (dies && moment === "before") process.kill(process.pid, "SIGKILL");
    const answer = await work();
    if (dies) process.kill(process.pid, "SIGKILL");
    return answer;
  };
}
