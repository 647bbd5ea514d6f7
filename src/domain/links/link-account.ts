/** What a link made: whoever has its secret gets tokens of these installations. */
export interface LinkAccount {
  readonly id: string;
  readonly platform: string;
  readonly product: string;
  readonly owner: string | undefined;
  /** Who started the link: what it may do is what the account may do. */
  readonly caller: string;
  readonly installationIds: readonly string[];
  /** SHA-256; undefined: nobody has fetched it. */
  readonly secretHash: string | undefined;
}

export interface LinkAccountRepository {
  find(id: string): Promise<LinkAccount | undefined>;
}
