export interface AtlassianPerson {
  readonly accountId: string;
  readonly name: string;
  readonly email: string;
}

export type Product = "jira" | "confluence";

export interface AtlassianSite {
  /** The cloud id. */
  readonly id: string;
  readonly name: string;
  readonly products: readonly Product[];
}

/** `alice` is signed in at the start. */
export const people: Readonly<Record<string, AtlassianPerson>> = {
  alice: { accountId: "5b10ac8d82e05b22cc7d4ef5", name: "Alice Example", email: "alice@example.com" },
  bob: { accountId: "712020:0e99e8b3-7b2a-4b6c-9a1f-5d9ca4c0a001", name: "Bob Example", email: "bob@example.com" },
};

export const defaultSites: readonly AtlassianSite[] = [
  { id: "1324a887-45db-4bf4-8e99-ef0ff456d421", name: "acme", products: ["jira", "confluence"] },
  { id: "2f0c1b9e-8c1f-4d58-9f43-60e4a7b2c922", name: "globex", products: ["jira"] },
];

/** Which of the scopes belong to a product; told apart by their names, as Atlassian's clients have to. */
export function scopesOf(product: Product, scopes: readonly string[]): readonly string[] {
  return scopes.filter((scope) => scope.includes(product));
}
