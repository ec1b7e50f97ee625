"""What translating Responses is, as a record."""

from gateway.protocols.openai_responses.answers import decode_response, encode_response
from gateway.protocols.openai_responses.requests import FATES, FIELDS, decode_request, encode_request
from gateway.protocols.openai_responses.streams import new_decoder, new_encoder
from gateway.protocols.translation import Translation

TRANSLATION = Translation(
    decode_request=decode_request,
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    new_decoder=new_decoder,
    new_encoder=new_encoder,
    fields=FIELDS,
    fates=FATES,
)
