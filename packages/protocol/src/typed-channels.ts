/** The types of channels: from the schemas of a config to what a channel's name says about its data. Nothing of it runs. */

/**
 * What Carillon uses of a Standard Schema (https://standardschema.dev): zod, valibot, arktype and others make such objects.
 * `validate` says what is wrong with a value, at once or later.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    /** The library's name. */
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    /** Exists for the compiler only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** A value that fits, or what is wrong with one that does not. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  /** Where in the value; absent for the whole of it. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * What a schema lets pass as it is written. Publications keep the text that the publisher sent, so this, and not what the
 * schema would make of it, is what subscribers receive.
 */
export type DataOfSchema<Schema> = Schema extends {
  readonly '~standard': { readonly types?: infer Types };
}
  ? NonNullable<Types> extends { readonly input: infer Input }
    ? Input
    : unknown
  : unknown;

/**
 * The channels of a config: `ChannelsOf<typeof config>` has a member for each pattern, and the member's type is what is
 * published there: `unknown` without a schema. Write such a type yourself where there is no config to take it from.
 */
export type ChannelsOf<Config> = Config extends { readonly channels?: infer Rules }
  ? { readonly [Pattern in keyof NonNullable<Rules>]: DataOfRule<NonNullable<Rules>[Pattern]> }
  : NoChannels;

type DataOfRule<Rule> = Rule extends { readonly schema?: infer Schema }
  ? DataOfSchema<NonNullable<Schema>>
  : unknown;

/** No channel is typed: the data of each is `unknown`. */
export type NoChannels = Readonly<Record<never, never>>;

/**
 * The data of the channel `Name`: what the most specific pattern says that surely matches it; `unknown` where none does, or
 * where the name is known only while the program runs. Of patterns that are equally specific, any may be meant.
 */
export type DataOfChannel<Channels, Name extends string> = string extends Name
  ? unknown
  : Name extends keyof Channels & string
    ? Channels[Name]
    : [Matching<keyof Channels & string, Name>] extends [never]
      ? unknown
      : Channels[MostSpecific<Matching<keyof Channels & string, Name>> & keyof Channels];

/** Those of the patterns that `Name` surely matches. */
type Matching<Patterns extends string, Name extends string> = Patterns extends string
  ? Name extends Template<Patterns>
    ? Patterns
    : never
  : never;

/** `room:*` and `room:{id}` as TypeScript says it. */
type Template<Pattern extends string> = Pattern extends `${infer Before}*${infer After}`
  ? `${NamedParts<Before>}${string}${Template<After>}`
  : NamedParts<Pattern>;

type NamedParts<Text extends string> = Text extends `${infer Before}{${string}}${infer After}`
  ? `${Before}${string}${NamedParts<After>}`
  : Text;

/** Those of the patterns that no other one of them precedes. */
type MostSpecific<Patterns extends string, All extends string = Patterns> = Patterns extends string
  ? true extends Precedes<Exclude<All, Patterns>, Patterns>
    ? never
    : Patterns
  : never;

/** Whether the server asks the rule `Pattern` before the rule `Other`; `never` without a `Pattern`. */
type Precedes<Pattern extends string, Other extends string> = Pattern extends string
  ? Compare<Literals<Pattern>, Literals<Other>> extends infer Order
    ? Order extends 'equal'
      ? Compare<Opens<Other>, Opens<Pattern>> extends infer Openness
        ? Openness extends 'equal'
          ? Compare<Stars<Other>, Stars<Pattern>> extends 'more'
            ? true
            : false
          : Openness extends 'more'
            ? true
            : false
        : never
      : Order extends 'more'
        ? true
        : false
    : never
  : never;

/** Whether the list `A` is longer than the list `B`. */
type Compare<A extends readonly unknown[], B extends readonly unknown[]> = A['length'] extends B['length']
  ? 'equal'
  : A extends readonly [...B, ...unknown[]]
    ? 'more'
    : 'less';

/** A list as long as the pattern's literal text. */
type Literals<Pattern extends string> = Units<WithoutNamedParts<WithoutStars<Pattern>>>;

/** A list as long as the pattern has open parts, and one as long as it has stars. */
type Opens<Pattern extends string> = [...Stars<Pattern>, ...Names<Pattern>];
type Stars<Pattern extends string, Found extends 0[] = []> = Pattern extends `${string}*${infer After}`
  ? Stars<After, [...Found, 0]>
  : Found;
type Names<
  Pattern extends string,
  Found extends 0[] = [],
> = Pattern extends `${string}{${string}}${infer After}` ? Names<After, [...Found, 0]> : Found;

type WithoutStars<Text extends string> = Text extends `${infer Before}*${infer After}`
  ? WithoutStars<`${Before}${After}`>
  : Text;
type WithoutNamedParts<Text extends string> = Text extends `${infer Before}{${string}}${infer After}`
  ? WithoutNamedParts<`${Before}${After}`>
  : Text;
type Units<Text extends string, Found extends 0[] = []> = Text extends `${string}${infer After}`
  ? Units<After, [...Found, 0]>
  : Found;
