/** What the operator's page says. */
import { type CommonPhrase, commonChinese, commonEnglish } from '../../shared/common-phrases.ts';
import type { LanguageCode, Phrases } from '../../shared/language.ts';

export type OperatorPhrase =
  | CommonPhrase
  | 'otherLanguage'
  | 'title'
  | 'explanation'
  | 'compose'
  | 'audience'
  | 'customer'
  | 'group'
  | 'tags'
  | 'everybody'
  | 'whichCustomer'
  | 'members'
  | 'membersHint'
  | 'where'
  | 'whereHint'
  | 'everybodyHint'
  | 'delivery'
  | 'keep'
  | 'keepText'
  | 'now'
  | 'nowText'
  | 'templates'
  | 'parcel'
  | 'parcelTitle'
  | 'parcelText'
  | 'sale'
  | 'saleTitle'
  | 'saleText'
  | 'news'
  | 'newsTitle'
  | 'newsText'
  | 'noticeTitle'
  | 'noticeText'
  | 'send'
  | 'kept'
  | 'keptNobody'
  | 'reached'
  | 'reachedNobody'
  | 'failed'
  | 'unreachable'
  | 'customers'
  | 'devices'
  | 'away'
  | 'unread'
  | 'called'
  | 'calledNothing'
  | 'toShop'
  | 'note';

const english: Phrases<OperatorPhrase> = {
  ...commonEnglish,
  otherLanguage: '中文',
  title: 'Operator',
  explanation: 'Send notifications to the customers of the shop, and see who is there.',
  compose: 'New notification',
  audience: 'To',
  customer: 'Customer',
  group: 'Group',
  tags: 'Tags',
  everybody: 'Everybody',
  whichCustomer: 'Which customer',
  members: 'Members of the group “regulars”',
  membersHint: 'Members stay in it when they are away.',
  where: 'Tag expression',
  whereHint: 'Tags belong to connections, so this means customers who are online.',
  everybodyHint: 'Every customer of the shop.',
  delivery: 'Delivery',
  keep: 'Into the inbox',
  keepText: 'Waits for whoever is away, until it is read.',
  now: 'Only to who is online',
  nowText: 'Pops up on every open device, and is kept nowhere.',
  templates: 'Begin with',
  parcel: 'Parcel',
  parcelTitle: 'Your parcel is on its way',
  parcelText: 'It should be with you tomorrow before noon.',
  sale: 'Sale',
  saleTitle: '20% off everything brass',
  saleText: 'Until Sunday, in the shop and online.',
  news: 'News',
  newsTitle: 'We are closed on Monday',
  newsText: 'Orders of the weekend leave on Tuesday.',
  noticeTitle: 'Title',
  noticeText: 'Text',
  send: 'Send',
  kept: { one: 'In the inbox of {count} customer', other: 'In the inboxes of {count} customers' },
  keptNobody: 'Nobody fits, so nothing was sent',
  reached: { one: 'Reached {count} device', other: 'Reached {count} devices' },
  reachedNobody: 'Nobody who fits is online',
  failed: 'Not sent: {reason}',
  unreachable: 'The server cannot be reached: {reason}',
  customers: 'Customers',
  devices: { one: '{count} device online', other: '{count} devices online' },
  away: 'Away',
  unread: { one: '{count} unread', other: '{count} unread' },
  called: 'What was called',
  calledNothing: '# The requests of your next notification appear here.',
  toShop: 'To the shop',
  note: 'This page calls the server API itself: development mode allows that on this machine. In production your own backend does it, with an API key, after it has checked who the operator is.',
};

const chinese: Phrases<OperatorPhrase> = {
  ...commonChinese,
  otherLanguage: 'English',
  title: '运营',
  explanation: '给商店的顾客发通知，看看谁在线。',
  compose: '新通知',
  audience: '发给',
  customer: '顾客',
  group: '群组',
  tags: '标签',
  everybody: '所有人',
  whichCustomer: '哪位顾客',
  members: '群组“regulars”的成员',
  membersHint: '成员离线时仍在群组里。',
  where: '标签表达式',
  whereHint: '标签属于连接，所以这里指的是在线的顾客。',
  everybodyHint: '商店的每一位顾客。',
  delivery: '投递方式',
  keep: '放进收件箱',
  keepText: '离线的顾客回来时能看到，直到读过。',
  now: '只给在线的人',
  nowText: '在每台打开的设备上弹出，不保留。',
  templates: '模板',
  parcel: '包裹',
  parcelTitle: '您的包裹已发出',
  parcelText: '预计明天中午前送达。',
  sale: '促销',
  saleTitle: '黄铜商品全部八折',
  saleText: '到周日为止，门店和网上同享。',
  news: '公告',
  newsTitle: '周一店休',
  newsText: '周末的订单周二发出。',
  noticeTitle: '标题',
  noticeText: '内容',
  send: '发送',
  kept: '已放进 {count} 位顾客的收件箱',
  keptNobody: '没有符合的顾客，什么也没发',
  reached: '已送达 {count} 台设备',
  reachedNobody: '符合的顾客都不在线',
  failed: '没有发送成功：{reason}',
  unreachable: '连接不上服务器：{reason}',
  customers: '顾客',
  devices: '{count} 台设备在线',
  away: '不在线',
  unread: '{count} 条未读',
  called: '调用了什么',
  calledNothing: '# 下一条通知的请求会显示在这里。',
  toShop: '去商店',
  note: '这个页面自己调用服务端接口：开发模式允许本机这样做。正式使用时由您自己的后端在确认运营人员身份之后，用接口密钥来调用。',
};

export const operatorPhrases: Readonly<Record<LanguageCode, Phrases<OperatorPhrase>>> = {
  en: english,
  zh: chinese,
};
