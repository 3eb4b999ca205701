// Calls to the server: progress of the upload, cancelling, the token, and errors that say what to do.

const ADVICE = {
  0: "Is the server still running? Check it, then try again.",
  401: "Ask whoever runs this server for its token.",
  413: "Send a shorter or smaller recording, or the transcript alone.",
  415: "Send a recording with sound or picture, or a transcript as WebVTT, SRT, CSV or JSON.",
  422: "Mend the file or the text, then try again.",
  429: "Others are being served. Wait a moment, then try again.",
  503: "The server is not ready. Wait a moment, then try again.",
  504: "Send a shorter recording, or the transcript alone.",
};

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
    this.advice = ADVICE[status] ?? (status >= 500 ? "Try again; the log of the server says more." : "Mend what was sent, then try again.");
  }
}

export const token = {
  get: () => sessionStorage.getItem("token"),
  set: (value) => sessionStorage.setItem("token", value),
};

function reason(request) {
  try {
    const answer = JSON.parse(request.responseText);
    return answer.error.message;
  } catch {
    return request.status ? `The server answered ${request.status} ${request.statusText}.` : "The server cannot be reached.";
  }
}

// POST when there is a body, GET when not. XMLHttpRequest, because fetch cannot tell how far an upload is.
export function call(path, { body, signal, onUpload = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(body === undefined ? "GET" : "POST", path);
    if (token.get()) request.setRequestHeader("Authorization", `Bearer ${token.get()}`);
    if (typeof body === "string") request.setRequestHeader("Content-Type", "application/json");
    request.upload.onprogress = (event) => onUpload(event.lengthComputable ? event.loaded / event.total : undefined);
    request.upload.onload = () => onUpload(1);
    request.onerror = () => reject(new ApiError(0, "The server cannot be reached."));
    request.onabort = () => reject(new DOMException("Cancelled.", "AbortError"));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(new ApiError(request.status, reason(request)));
    };
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}
