"""What translating Chat is, as a record."""

from gateway.protocols.openai_chat.answers import decode_response, encode_response
from gateway.protocols.openai_chat.decoder import Decoder
from gateway.protocols.openai_chat.encoder import Encoder
from gateway.protocols.openai_chat.requests import FATES, FIELDS, decode_request, encode_request
from gateway.protocols.translation import Translation

TRANSLATION = Translation(
    decode_request=decode_request,
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    new_decoder=Decoder,
    new_encoder=Encoder,
    fields=FIELDS,
    fates=FATES,
)
