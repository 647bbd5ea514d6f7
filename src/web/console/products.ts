/** A product that this version knows, configured or not. */
export interface KnownProduct {
  readonly name: string;
  readonly label: string;
  /** The settings that it lacks, those of which one is enough as one entry; undefined: it is configured. */
  readonly missing: readonly (readonly string[])[] | undefined;
}

/** How a product is called where all are: two may have the same label. */
export function titleOf(name: string, products: readonly KnownProduct[]): string {
  const label = products.find((product) => product.name === name)?.label;
  if (label === undefined) return name;
  return products.filter((product) => product.label === label).length > 1 ? `${label} (${name})` : label;
}
