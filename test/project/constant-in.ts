/**
 * What a constant in the text of a file is, in milliseconds where it is a time; a job's name stands for how often it runs.
 * Read as text, so that nothing has to be exported for those who only look.
 * @throws Error unless a number, or a sum or product of numbers and constants, follows the name in exactly one place.
 */
export function constantIn(text: string, name: string): number {
  const job = new RegExp(`\\b(job|schedule)\\(([\\d_ *]+), "${name}"`).exec(text);
  if (job !== null) return evaluate(job[2] ?? "", text) * (job[1] === "job" ? 1_000 : 1);
  const [member = "", owner] = name.split(".").reverse();
  const scope = owner === undefined ? text : (new RegExp(`\\bconst ${owner}\\b[^;]*;`).exec(text)?.[0] ?? "");
  const value = "([\\w. *+]+?)(?=[;,)]| [})])";
  const found = [...scope.matchAll(new RegExp(`\\b${member}(?:: \\w+)?(?: =|:| \\?\\?) ${value}`, "g"))]
    .map((match) => evaluate(match[1] ?? "", text))
    .filter((number) => !Number.isNaN(number));
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`${name} is ${found.length} numbers`);
  return only * (/seconds/i.test(name) ? 1_000 : 1);
}

/** NaN for what is no sum or product of numbers, and of constants that are such a product. */
function evaluate(expression: string, text: string): number {
  const factor = (word: string): number => {
    if (/^[\d_.]+$/.test(word)) return Number(word.replaceAll("_", ""));
    const product = new RegExp(`\\bconst ${word} = ([\\d_ *]+);`).exec(text)?.[1];
    return product === undefined ? Number.NaN : evaluate(product, text);
  };
  const product = (factors: string) => factors.split(" * ").reduce((value, word) => value * factor(word.trim()), 1);
  return expression.split(" + ").reduce((sum, factors) => sum + product(factors), 0);
}
