/** What the customer's page of the message center says. */
import { type CommonPhrase, commonChinese, commonEnglish } from '../shared/common-phrases.ts';
import type { LanguageCode, Phrases } from '../shared/language.ts';

export type CenterPhrase =
  | CommonPhrase
  | 'otherLanguage'
  | 'title'
  | 'slogan'
  | 'who'
  | 'whoText'
  | 'switchCustomer'
  | 'hello'
  | 'helloText'
  | 'order'
  | 'ordered'
  | 'orderedText'
  | 'orderFailed'
  | 'bell'
  | 'bellUnread'
  | 'notifications'
  | 'unreadCount'
  | 'allRead'
  | 'markAll'
  | 'close'
  | 'empty'
  | 'emptyText'
  | 'isUnread'
  | 'device'
  | 'tryTitle'
  | 'deviceTitle'
  | 'deviceText'
  | 'openDevice'
  | 'operatorTitle'
  | 'operatorText'
  | 'openOperator'
  | 'offlineTitle'
  | 'offlineText'
  | 'goOffline'
  | 'goOnline'
  | 'missed'
  | 'nothingMissed'
  | 'signedOut'
  | 'failed'
  | 'note';

const english: Phrases<CenterPhrase> = {
  ...commonEnglish,
  otherLanguage: '中文',
  title: 'Belfry & Co.',
  slogan: 'Small things for quiet rooms.',
  who: 'Who is shopping?',
  whoText: 'Choose a customer. In a shop of your own this is your login.',
  switchCustomer: 'Switch customer',
  hello: 'Good to see you, {name}.',
  helloText: 'Order something: your shop answers in the bell, on every device you have open.',
  order: 'Order',
  ordered: 'We have your order: {product}',
  orderedText: 'We pack it today. You will hear from us when it is on its way.',
  orderFailed: 'Not ordered: {reason}',
  bell: 'Notifications',
  bellUnread: { one: 'Notifications, {count} unread', other: 'Notifications, {count} unread' },
  notifications: 'Notifications',
  unreadCount: { one: '{count} unread', other: '{count} unread' },
  allRead: 'All read',
  markAll: 'Mark all as read',
  close: 'Close',
  empty: 'Nothing here yet.',
  emptyText: 'Order something, or let the operator send you a notification.',
  isUnread: 'Unread',
  device: 'This device: {device}',
  tryTitle: 'See it at work',
  deviceTitle: 'Two devices in step',
  deviceText: 'Open a second window as the same customer. What you read in one is read in the other.',
  openDevice: 'Open a second device',
  operatorTitle: 'The operator',
  operatorText: 'Push to one customer, a group, a tag expression or everybody, and see who is online.',
  openOperator: 'Open the operator page',
  offlineTitle: 'Offline and back',
  offlineText: 'Cut this device off, push something, and come back: it waited for you.',
  goOffline: 'Go offline',
  goOnline: 'Come back',
  missed: {
    one: '{count} notification waited for you',
    other: '{count} notifications waited for you',
  },
  nothingMissed: 'You are back, and missed nothing',
  signedOut: 'The server did not let this customer in: {reason}',
  failed: 'That did not work: {reason}',
  note: 'In this demo the page calls the server API itself: development mode allows that on this machine. In production your own backend does it.',
};

const chinese: Phrases<CenterPhrase> = {
  ...commonChinese,
  otherLanguage: 'English',
  title: '钟楼小铺',
  slogan: '给安静房间的小物件。',
  who: '您是哪位顾客？',
  whoText: '选择一位顾客。在您自己的商店里，这里就是登录。',
  switchCustomer: '切换顾客',
  hello: '{name}，欢迎光临。',
  helloText: '下个单试试：商店的通知会出现在铃铛里，您打开的每台设备都会收到。',
  order: '下单',
  ordered: '已收到您的订单：{product}',
  orderedText: '今天就为您打包，发货时会通知您。',
  orderFailed: '没有下单成功：{reason}',
  bell: '通知',
  bellUnread: '通知，{count} 条未读',
  notifications: '通知',
  unreadCount: '{count} 条未读',
  allRead: '全部已读',
  markAll: '全部标为已读',
  close: '关闭',
  empty: '还没有通知。',
  emptyText: '下个单，或者让运营人员给您发一条通知。',
  isUnread: '未读',
  device: '本设备：{device}',
  tryTitle: '看看它怎么工作',
  deviceTitle: '两台设备保持一致',
  deviceText: '用同一位顾客再开一个窗口。在一边读过的，另一边也是已读。',
  openDevice: '打开第二台设备',
  operatorTitle: '运营人员',
  operatorText: '推送给一位顾客、一个群组、一个标签表达式或所有人，并查看谁在线。',
  openOperator: '打开运营页面',
  offlineTitle: '离线再回来',
  offlineText: '让这台设备离线，发点什么，再回来：通知一直在等您。',
  goOffline: '离线',
  goOnline: '重新上线',
  missed: '有 {count} 条通知在等您',
  nothingMissed: '您回来了，没有错过任何通知',
  signedOut: '服务器没有让这位顾客登录：{reason}',
  failed: '没有成功：{reason}',
  note: '在这个演示里，页面自己调用服务端接口：开发模式允许本机这样做。正式使用时由您自己的后端来调用。',
};

export const centerPhrases: Readonly<Record<LanguageCode, Phrases<CenterPhrase>>> = {
  en: english,
  zh: chinese,
};
