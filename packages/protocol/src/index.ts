/** Carillon's protocol: what both ends, and other people's clients, agree on. */
export { channelNameFault } from './channel-name.ts';
export type { Disconnect, ErrorCode, ErrorName } from './codes.ts';
export { disconnects, errorCodes, shouldReconnect } from './codes.ts';
export type { Slice } from './json.ts';
export {
  compact,
  compactSlice,
  elementSlices,
  isJson,
  isNestedDeeper,
  memberSlice,
  valueSlice,
} from './json.ts';
export { limits } from './limits.ts';
export type {
  Command,
  CommandId,
  HistoryItem,
  HistoryResult,
  JsonText,
  Member,
  Position,
  PublishResult,
  Reply,
  ServerEvent,
  ServerMessage,
  SubscribeResult,
} from './messages.ts';
export { editDistance, nearest } from './nearest.ts';
export { isoTime } from './time.ts';
export type {
  ChannelsOf,
  DataOfChannel,
  DataOfSchema,
  NoChannels,
  StandardIssue,
  StandardResult,
  StandardSchema,
} from './typed-channels.ts';
export { utf8Length } from './utf8.ts';
