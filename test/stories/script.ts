/**
 * The language of the user stories: a transcript of commands with what has to come of them, and
 * the files they need.
 *
 *     # comment
 *     countersign key show ada.pem        must end with status 0
 *     ! countersign verify bad.json       must end with another status
 *     status 1                            the status of the command before
 *     stdout 'regular expression'         what it printed; `! stdout '…'` for what it must not
 *     stderr 'regular expression'
 *     json a.b.0.c 'regular expression'   a field of the JSON document it printed
 *     capture NAME 'text (group)'         sets $NAME from its standard output
 *     background log countersign serve …  a server
 *     ready log 'text (group)' NAME       waits until it says that, and sets $NAME
 *     stop log                            SIGTERM; it has to end with status 0
 *     kill log                            for programs that have no clean end
 *     exists FILE…  `! exists FILE`       files
 *     match FILE 'regular expression'
 *     replace FILE 'regexp' 'text'        changes a file: the forger's hand
 *     save FILE                           the output of the last command; `append FILE 'line'…`
 *     env NAME=VALUE   cd DIR   mkdir DIR   cp [-r] FROM TO   rm FILE
 *     -- name --                          what follows, up to the next mark, is this file
 *
 * Words are separated by blanks, 'quoted' as in a shell; $NAME and ${NAME} are replaced.
 */

export interface Line {
  readonly number: number;
  readonly negated: boolean;
  readonly words: readonly string[];
  readonly text: string;
}

export interface Script {
  readonly lines: readonly Line[];
  readonly files: ReadonlyMap<string, string>;
}

const FILE_MARK = /^-- (\S+) --$/;

export function parseScript(text: string): Script {
  const lines: Line[] = [];
  const files = new Map<string, string>();
  let file: string | undefined;
  for (const [i, raw] of text.split("\n").entries()) {
    const mark = FILE_MARK.exec(raw)?.[1];
    if (mark !== undefined) {
      file = mark;
      files.set(file, "");
    } else if (file !== undefined) files.set(file, `${files.get(file) ?? ""}${raw}\n`);
    else {
      const text = raw.trim();
      if (text === "" || text.startsWith("#")) continue;
      const negated = text.startsWith("! ");
      const words = splitWords(negated ? text.slice(2) : text);
      lines.push({ number: i + 1, negated, words, text });
    }
  }
  return { lines, files };
}

/** Quotes protect blanks and dollars; outside of them a word may hold $NAME. */
function splitWords(text: string): string[] {
  const words: string[] = [];
  for (const match of text.matchAll(/(?:'[^']*'|[^\s'])+/g))
    words.push(
      match[0].replace(/'([^']*)'/g, (_, quoted: string) => quoted.replaceAll("$", LITERAL_DOLLAR)),
    );
  return words;
}

const LITERAL_DOLLAR = "\uE000";

/** Variables of a word. A name that is not set is a fault of the script. */
export function expand(word: string, variables: ReadonlyMap<string, string>): string {
  return word
    .replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
      const value = variables.get(braced ?? bare ?? "");
      if (value === undefined) throw new Error(`${whole} is not set`);
      return value;
    })
    .replaceAll(LITERAL_DOLLAR, "$");
}
