/** A proto3 string that was given; the empty one was not. */
export function given(text: string): string | undefined {
  return text === "" ? undefined : text;
}
