const limits = new Set(['EAGAIN', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENOSPC'])

/** The machine, or this process, has no more of something: it may work again, and a client is answered 503. */
export const isAtLimits = ({ code = '' }: { readonly code?: string | undefined }): boolean => limits.has(code)
