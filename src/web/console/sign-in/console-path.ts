const home = "/console";
/** Somewhere to be, for what an address is read against. */
const here = "http://console.invalid";

/** Where a sign-in leads: a page of the console, read as browsers read addresses; anything else is its first page. */
export function consolePath(text: string | null): string {
  if (text === null || !URL.canParse(text, here)) return home;
  const { origin, pathname, search } = new URL(text, here);
  const isPage = pathname === home || pathname.startsWith(`${home}/`);
  if (origin !== here || !isPage || pathname.startsWith(`${home}/sign-`)) return home;
  return pathname + search;
}
