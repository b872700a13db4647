/**
 * What a command may touch of the process it runs in. Only `main.ts` makes one from the real
 * process; tests make their own, so that no command reads argv, the environment or the clock
 * behind their back.
 *
 * @module
 */

interface TextSink {
  write(text: string | Uint8Array): unknown;
}

export interface Io {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** The environment, as given. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder relative paths start from. */
  readonly cwd: string;
  /** Whether standard error is a terminal: progress bars are drawn there, and only there. */
  readonly isTty: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /**
   * Ask the person at the terminal and take the line they type. Left out where there is nobody:
   * what a person has to decide is then refused.
   */
  readonly ask?: (question: string) => Promise<string>;
  /**
   * Ends the process at once, whatever is still open: for a log that has stopped and closes
   * nothing. Left out where the caller is not a process of its own.
   */
  readonly exit?: (status: ExitStatus) => void;
  /**
   * Runs the command line once more, in a process of its own with the same environment and folder;
   * what it says on standard error is said here. Left out where there is no such program.
   */
  readonly again?: (argv: readonly string[]) => Promise<Ran>;
}

/** How another process of this program ended. */
export interface Ran {
  /** 2 where a signal ended it. */
  readonly status: number;
  readonly stdout: string;
}

/** 0 yes, 1 no, 2 could not ask, 3 the log misbehaved. */
export type ExitStatus = 0 | 1 | 2 | 3;
