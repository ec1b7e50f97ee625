"""What translating Messages is made of."""

from gateway.protocols.anthropic_messages.answers import decode_response, encode_response
from gateway.protocols.anthropic_messages.fields import FATES, FIELDS
from gateway.protocols.anthropic_messages.requests import decode_request, encode_request
from gateway.protocols.anthropic_messages.streams import StreamDecoder, StreamEncoder
from gateway.protocols.translation import Translation

TRANSLATION = Translation(
    decode_request=decode_request,
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    new_decoder=StreamDecoder,
    new_encoder=StreamEncoder,
    fields=FIELDS,
    fates=FATES,
)
